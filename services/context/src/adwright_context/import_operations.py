"""Imports that outlive their connection.

An import is one item, moved on in the transactions that write its rows: what it says is done is done, and exactly
once, whoever was cut off where. Of two uploads to one import the faster goes on and the other is told.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import replace

from adwright_docstore import ABSENT, ConditionFailed, Delete
from adwright_resources.store_errors import translated
from adwright_servicekit.errors import AlreadyExists, Conflict, OutOfRange

from . import layout
from .catalog import ATTEMPTS, Catalog
from .import_model import FileFormat, Problem, Progress
from .import_record import ImportOperation, Outcome, ended, key_of, pack, problem_of, put, read, unpack
from .kinds import Kind, Name
from .upload import Upload

__all__ = ["ImportOperations"]


class ImportOperations:
    """Begins, finds and ends the imports of all tenants."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._store = catalog.store

    async def start(
        self,
        tenant: str,
        kind: Kind,
        brand_id: str,
        file_format: FileFormat,
        *,
        validate_only: bool = False,
        request_id: str = "",
    ) -> ImportOperation:
        """Raises NotFound (brand), AlreadyExists where the request id was used for another import."""
        if kind.in_brand:
            await self._catalog.lookup.require_brand(tenant, Name.of_brand(brand_id))
        what = f"{kind.plural} {brand_id} {file_format.value} {validate_only}"
        token = hashlib.sha256(request_id.lower().encode()).hexdigest()[:32] if request_id else secrets.token_hex(16)
        now = self._catalog.now()
        made = ImportOperation(
            id=f"context-{token}",
            kind=kind,
            brand_id=brand_id,
            file_format=file_format,
            validate_only=validate_only,
            progress=Progress(),
            create_time=now,
            update_time=now,
            fingerprint=hashlib.sha256(what.encode()).hexdigest(),
            version=1,
        )
        try:
            with translated():
                await self._store.put(key_of(tenant, made.id), pack(made), expect=ABSENT, expires_at=made.expire_time)
        except ConditionFailed:
            there = await self.get(tenant, made.id)
            if there.fingerprint != made.fingerprint:
                raise AlreadyExists(
                    f"request_id: {request_id} was used for another import: take a new UUID for each request",
                    reason="REQUEST_ID_REUSED",
                    metadata={"request_id": request_id, "name": there.name},
                ) from None
            return there
        return made

    async def get(self, tenant: str, operation_id: str) -> ImportOperation:
        """Raises NotFound."""
        return await read(self._store, tenant, operation_id)

    async def list(self, tenant: str, page_size: int, page_token: str) -> tuple[Sequence[ImportOperation], str]:
        """One page, by id, and the token of the next. Raises InvalidInput (token)."""
        with translated():
            page = await self._store.query(
                layout.operations_partition(tenant), limit=page_size or 50, page_token=page_token or None
            )
        return [unpack(item) for item in page.items], page.next_page_token or ""

    async def problems(
        self, tenant: str, operation_id: str, page_size: int, page_token: str
    ) -> tuple[Sequence[Problem], str]:
        """One page of the refused rows, by line, and the token of the next. Raises NotFound, InvalidInput (token)."""
        await self.get(tenant, operation_id)
        with translated():
            page = await self._store.query(
                layout.refused_partition(tenant, operation_id),
                limit=page_size or 50,
                page_token=page_token or None,
                consistent=True,
            )
        return [problem_of(item) for item in page.items], page.next_page_token or ""

    async def cancel(self, tenant: str, operation_id: str) -> None:
        """Rows that were written stay; one that has ended stays as it is. Raises NotFound."""
        for _ in range(ATTEMPTS):
            there = await self.get(tenant, operation_id)
            if there.done:
                return
            cancelled = replace(there, outcome=Outcome.CANCELLED, update_time=self._catalog.now())
            try:
                with translated():
                    await self._store.transact([put(tenant, cancelled)])
            except (ConditionFailed, Conflict):
                continue
            return
        raise Conflict(f"{there.name} is going on too fast: cancel it again", reason="IMPORT_MOVED")

    async def delete(self, tenant: str, operation_id: str) -> None:
        """Forgets an import, and ends it; rows that were written stay. Raises NotFound."""
        await self.get(tenant, operation_id)
        refused = layout.refused_partition(tenant, operation_id)
        with translated():
            await self._store.delete(key_of(tenant, operation_id))
            keys = [item.key async for item in self._store.query_all(refused, page_size=1000, consistent=True)]
            await self._store.write_many(Delete(key) for key in keys)

    async def resume(self, tenant: str, operation_id: str, offset: int) -> Upload:
        """Goes on with an import at `offset`, which must be where it is.

        Raises NotFound (operation, brand), FailedPrecondition (it has ended), OutOfRange.
        """
        there = await self.get(tenant, operation_id)
        if there.done:
            raise ended(there)
        place = there.progress.place.offset
        if offset != place:
            raise OutOfRange(
                f"start.offset: {there.name} goes on at byte {place}, not at {offset}",
                reason="IMPORT_OFFSET",
                metadata={"committed_bytes": str(place)},
            )
        upload = Upload(self._catalog, tenant, there)
        await upload.begin()
        return upload
