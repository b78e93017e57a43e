"""Suites that are kept at the server under a name."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from google.protobuf.json_format import ParseDict, ParseError
from google.protobuf.struct_pb2 import Struct

from adwright.evaluator.v1 import suite_pb2 as messages
from adwright.evaluator.v1.suite_pb2 import Suite, SuiteSource
from adwright_servicekit.errors import InvalidInput

from ._caller import Caller
from .suite_files import suite_source

if TYPE_CHECKING:
    from adwright.evaluator.v1.evaluator_service_pb2_grpc import EvaluatorServiceAsyncStub

__all__ = ["Suites", "suite_name"]


class Suites:
    """Names are `suites/launch`, or `launch` for short."""

    def __init__(self, caller: Caller, stub: EvaluatorServiceAsyncStub) -> None:
        self._caller = caller
        self._stub = stub

    async def create(self, name: str, source: SuiteSource | Path) -> Suite:
        """Keeps a suite: its files, or the path of its main file or folder. Raises InvalidInput, AlreadyExists."""
        files = await asyncio.to_thread(suite_source, source) if isinstance(source, Path) else source
        request = messages.CreateSuiteRequest(suite_id=name.removeprefix("suites/"), suite=Suite(source=files))
        return await self._caller.unary(self._stub.CreateSuite, request, None)

    async def get(self, name: str) -> Suite:
        """One suite with its files. Raises NotFound."""
        return await self._caller.unary(self._stub.GetSuite, messages.GetSuiteRequest(name=suite_name(name)), None)

    async def list(self) -> AsyncIterator[Suite]:
        """All suites by name, without their files."""
        request = messages.ListSuitesRequest(page_size=200)
        async for suite in self._caller.listed(self._stub.ListSuites, request, "suites"):
            yield suite

    async def delete(self, name: str) -> None:
        """Forgets a suite; runs of it stay. Raises NotFound."""
        await self._caller.unary(self._stub.DeleteSuite, messages.DeleteSuiteRequest(name=suite_name(name)), None)

    async def add_case(self, name: str, case: Mapping[str, Any]) -> Suite:
        """Adds a case, spelled as a test of promptfoo; makes the suite where there is none. Raises InvalidInput."""
        try:
            struct = ParseDict(dict(case), Struct())
        except ParseError as error:
            raise InvalidInput.of("case", f"cannot be sent: {error}") from None
        request = messages.AddCaseRequest(suite=suite_name(name), case=struct)
        return await self._caller.unary(self._stub.AddCase, request, None)


def suite_name(name: str) -> str:
    """`launch` → `suites/launch`."""
    return name if name.startswith("suites/") else f"suites/{name}"
