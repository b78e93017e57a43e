"""The part of EvaluatorService that keeps suites."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any, Final, TypeAlias

import grpc
from google.protobuf import empty_pb2, json_format

from adwright.evaluator.v1 import evaluator_service_pb2_grpc
from adwright.evaluator.v1 import suite_pb2 as pb
from adwright_evaluator.runs.session import parsed
from adwright_evaluator.sources import DEFAULT_MAIN, main_of, unpacked
from adwright_evaluator.suite_store import KeptSuite, SuiteStore
from adwright_servicekit.call import current_tenant
from adwright_servicekit.errors import AlreadyExists

__all__ = ["SuiteServicer"]

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"

_FOR_CASES: Final = b"""\
description: Cases that people added
prompts: ["{{ brief }}"]
providers: [adwright]
"""
"""What a suite is that begins with a case: each is written anew from its brief."""


class SuiteServicer(evaluator_service_pb2_grpc.EvaluatorServiceServicer):
    """Serves the tenant that the call's metadata names."""

    def __init__(self, suites: SuiteStore) -> None:
        self._suites = suites

    async def CreateSuite(self, request: pb.CreateSuiteRequest, context: Context) -> pb.Suite:
        files = await asyncio.to_thread(unpacked, request.suite.source)
        main = main_of(request.suite.source)
        suite = await self._kept(request.suite_id, files, main)
        await self._suites.create(current_tenant(), suite, files)
        return _message(suite, files)

    async def GetSuite(self, request: pb.GetSuiteRequest, context: Context) -> pb.Suite:
        tenant, suite = current_tenant(), _id(request.name)
        files, _ = await self._suites.files(tenant, suite)
        return _message(await self._suites.get(tenant, suite), files)

    async def ListSuites(self, request: pb.ListSuitesRequest, context: Context) -> pb.ListSuitesResponse:
        page, token = await self._suites.page(current_tenant(), request.page_size, request.page_token)
        return pb.ListSuitesResponse(suites=[_message(suite, {}) for suite in page], next_page_token=token)

    async def DeleteSuite(self, request: pb.DeleteSuiteRequest, context: Context) -> empty_pb2.Empty:
        await self._suites.delete(current_tenant(), _id(request.name))
        return empty_pb2.Empty()

    async def AddCase(self, request: pb.AddCaseRequest, context: Context) -> pb.Suite:
        tenant, suite = current_tenant(), _id(request.suite)
        case: dict[str, Any] = json_format.MessageToDict(request.case)
        with suppress(AlreadyExists):
            fresh = KeptSuite(suite, DEFAULT_MAIN, "Cases that people added", 0, self._suites.now())
            await self._suites.create(tenant, fresh, {DEFAULT_MAIN: _FOR_CASES})
        files, main = await self._suites.with_case(tenant, suite, case)
        # Before it is written: a case that cannot be read would spoil the suite.
        kept = await self._kept(suite, files, main)
        await self._suites.add_case(tenant, kept, case)
        return _message(kept, files)

    async def _kept(self, suite: str, files: dict[str, bytes], main: str) -> KeptSuite:
        # In a thread: a large suite takes seconds, and others are served by this one.
        read = await asyncio.to_thread(parsed, files, main)
        return KeptSuite(suite, main, read.description, len(read.cases), self._suites.now(), read.warnings[:100])


def _id(name: str) -> str:
    return name.removeprefix("suites/")


def _message(suite: KeptSuite, files: dict[str, bytes]) -> pb.Suite:
    message = pb.Suite(
        name=f"suites/{suite.id}",
        description=suite.description,
        case_count=suite.case_count,
        warnings=suite.warnings,
        source=pb.SuiteSource(
            main=suite.main, files=[pb.SuiteFile(path=path, data=data) for path, data in files.items()]
        ),
    )
    message.create_time.FromDatetime(suite.create_time)
    return message
