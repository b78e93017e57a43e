"""Suites that are kept under a name, and the cases that were added to them.

======================  ============================  ====================
what                    partition key                 sort key
======================  ============================  ====================
suites of a tenant      ``TENANT#suites``             id
their files, in pieces  ``TENANT#suite#ID#files``     number
added cases             ``TENANT#suite#ID#cases``     id, begins with time
======================  ============================  ====================
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from adwright_docstore import ABSENT, ConditionFailed, Delete, Key, Put, Store
from adwright_evaluator.model import JSON
from adwright_evaluator.runs.pieces import from_pieces, to_pieces
from adwright_resources.partitions import new_id, partition
from adwright_resources.store_errors import translated
from adwright_servicekit.errors import AlreadyExists, NotFound

__all__ = ["ADDED", "KeptSuite", "SuiteStore"]

ADDED: Final = "added-cases.jsonl"
"""The file in which added cases stand among a suite's files."""
_PAGE: Final = 50


@dataclass(frozen=True, slots=True)
class KeptSuite:
    """What is known of a suite without its files."""

    id: str
    main: str
    description: str
    case_count: int
    create_time: datetime
    warnings: tuple[str, ...] = ()


class SuiteStore:
    """Methods raise AdwrightError: NotFound, AlreadyExists, InvalidInput (token), Unavailable (store)."""

    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        self._store = store
        self.now = now

    async def create(self, tenant: str, suite: KeptSuite, files: Mapping[str, bytes]) -> None:
        """Keeps it. Raises AlreadyExists."""
        where = partition(tenant, f"suite#{suite.id}#files")
        try:
            with translated():
                await self._store.put(_place(tenant, suite.id), _packed(suite), expect=ABSENT)
                await self._store.write_many(
                    Put(Key(where, f"{number:04d}"), {"z": piece}) for number, piece in enumerate(to_pieces(files))
                )
        except ConditionFailed:
            raise AlreadyExists(
                f"suite_id: there is a suites/{suite.id} already: take another id, or delete it first",
                reason="SUITE_EXISTS",
            ) from None

    async def get(self, tenant: str, suite: str) -> KeptSuite:
        """Raises NotFound."""
        with translated():
            item = await self._store.get(_place(tenant, suite))
        if item is None:
            raise NotFound(f"there is no suites/{suite}", reason="SUITE_NOT_FOUND")
        return _unpacked(suite, item.data)

    async def page(self, tenant: str, page_size: int, page_token: str) -> tuple[Sequence[KeptSuite], str]:
        """One page by id, and the token of the next."""
        with translated():
            page = await self._store.query(
                partition(tenant, "suites"), limit=page_size or _PAGE, page_token=page_token or None, consistent=True
            )
        return [_unpacked(item.key.sk, item.data) for item in page.items], page.next_page_token or ""

    async def files(self, tenant: str, suite: str) -> tuple[dict[str, bytes], str]:
        """Its files, added cases among them, and the one that names the others. Raises NotFound."""
        kept = await self.get(tenant, suite)
        with translated():
            pieces = [
                str(item.data["z"])
                async for item in self._store.query_all(partition(tenant, f"suite#{suite}#files"), consistent=True)
            ]
            cases = [
                str(item.data["case"])
                async for item in self._store.query_all(partition(tenant, f"suite#{suite}#cases"), consistent=True)
            ]
        files = from_pieces(pieces)
        if cases:
            files[ADDED] = "\n".join(cases).encode()
        return files, kept.main

    async def with_case(self, tenant: str, suite: str, case: Mapping[str, JSON]) -> tuple[dict[str, bytes], str]:
        """What `files` would give if the case were added."""
        files, main = await self.files(tenant, suite)
        files[ADDED] = b"\n".join(filter(None, [files.get(ADDED), json.dumps(case, ensure_ascii=False).encode()]))
        return files, main

    async def add_case(self, tenant: str, suite: KeptSuite, case: Mapping[str, JSON]) -> None:
        """Adds a case; `suite` is what is known of it then."""
        where = partition(tenant, f"suite#{suite.id}#cases")
        with translated():
            await self._store.transact(
                [
                    Put(Key(where, new_id(self.now())), {"case": json.dumps(case, ensure_ascii=False)}, ABSENT),
                    Put(_place(tenant, suite.id), _packed(suite)),
                ]
            )

    async def delete(self, tenant: str, suite: str) -> None:
        """Forgets it. Raises NotFound."""
        await self.get(tenant, suite)
        with translated():
            await self._store.delete(_place(tenant, suite))
            for what in ("files", "cases"):
                where = partition(tenant, f"suite#{suite}#{what}")
                keys = [item.key async for item in self._store.query_all(where, page_size=1000, consistent=True)]
                await self._store.write_many(map(Delete, keys))


def _place(tenant: str, suite: str) -> Key:
    return Key(partition(tenant, "suites"), suite)


def _packed(suite: KeptSuite) -> dict[str, JSON]:
    return {
        "main": suite.main,
        "description": suite.description,
        "case_count": suite.case_count,
        "create_time": suite.create_time.isoformat(),
        "warnings": list(suite.warnings),
    }


def _unpacked(suite: str, data: Mapping[str, Any]) -> KeptSuite:
    return KeptSuite(
        suite,
        data["main"],
        data["description"],
        data["case_count"],
        datetime.fromisoformat(data["create_time"]),
        tuple(data["warnings"]),
    )
