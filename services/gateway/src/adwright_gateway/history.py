"""The generations of all tenants, kept as long as the policy says.

===============================  ========================  ===============================
access                           partition key             sort key
===============================  ========================  ===============================
one, or all from the newest on   ``TENANT#generations``    the id, which begins with the time
===============================  ========================  ===============================
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from google.protobuf import json_format

from adwright.gateway.v1 import generation_service_pb2 as pb
from adwright_docstore import ConditionFailed, Delete, Item, Key, Store, Version
from adwright_resources.filters import Fields, ListOf, Predicate, Scalar, compile_filter
from adwright_resources.partitions import partition
from adwright_resources.store_errors import translated
from adwright_servicekit.errors import Conflict, NotFound

__all__ = ["History"]

_PAGE: Final = 50
_ATTEMPTS: Final = 5
_FIELDS: Final[Fields] = {
    **dict.fromkeys(
        (
            "name",
            "state",
            "brand",
            "format",
            "language",
            "brief",
            "backend",
            "model",
            "prompt_version",
            "context_revision",
            "key",
            "trace_id",
        ),
        Scalar.TEXT,
    ),
    "products": ListOf(Scalar.TEXT),
    "create_time": Scalar.TIME,
    "valid": Scalar.BOOLEAN,
    "corrected": Scalar.BOOLEAN,
    "rating": Scalar.NUMBER,
    "cost_usd": Scalar.NUMBER,
    "output_tokens": Scalar.NUMBER,
}


class History:
    """Methods raise AdwrightError: NotFound, InvalidInput (filter, token), Unavailable (store), Conflict."""

    def __init__(self, store: Store, now: Callable[[], datetime], keep: timedelta) -> None:
        """`keep` counts from a generation's begin; zero: nothing is kept."""
        self._store = store
        self.now = now
        self.keep = keep

    async def put(self, tenant: str, generation: pb.Generation) -> None:
        """Keeps a generation."""
        if not self.keep:
            return
        expires = generation.create_time.ToDatetime(tzinfo=UTC) + self.keep
        generation.expire_time.FromDatetime(expires)
        with translated():
            await self._store.put(_place(tenant, generation.name), _pack(generation), expires_at=expires)

    async def get(self, tenant: str, name: str) -> pb.Generation:
        """The generation."""
        return (await self._find(tenant, name))[0]

    async def list(
        self, tenant: str, page_size: int, page_token: str, filter_text: str
    ) -> tuple[Sequence[pb.Generation], str]:
        """One page, the newest first, and the token of the next."""
        matches = compile_filter(_FIELDS, filter_text)
        with translated():
            page = await self._store.select(
                partition(tenant, "generations"),
                where=lambda item: matches(_document(_unpack(item))),
                bind=filter_text,
                limit=page_size or _PAGE,
                page_token=page_token or None,
                descending=True,
                consistent=True,
            )
        return [_unpack(item) for item in page.items], page.next_page_token or ""

    async def delete(self, tenant: str, name: str) -> None:
        """Erases one."""
        await self._find(tenant, name)
        with translated():
            await self._store.delete(_place(tenant, name))

    async def purge(self, tenant: str, filter_text: str, *, force: bool) -> int:
        """Erases, with `force`, all that match; how many those are."""
        matches: Predicate = compile_filter(_FIELDS, "" if filter_text == "*" else filter_text)
        count, token = 0, None
        with translated():
            while True:
                page = await self._store.query(
                    partition(tenant, "generations"), limit=_PAGE, page_token=token, consistent=True
                )
                found = [item.key for item in page.items if matches(_document(_unpack(item)))]
                count += len(found)
                if force and found:
                    await self._store.write_many([Delete(key) for key in found])
                token = page.next_page_token
                if token is None:
                    return count

    async def change(self, tenant: str, name: str, change: Callable[[pb.Generation], None]) -> pb.Generation:
        """Changes one in place; `change` may be called again when others change it too."""
        for _ in range(_ATTEMPTS):
            generation, version = await self._find(tenant, name)
            change(generation)
            expires = generation.expire_time.ToDatetime(tzinfo=UTC)
            try:
                with translated():
                    await self._store.put(
                        _place(tenant, name), _pack(generation), expect=Version(version), expires_at=expires
                    )
            except ConditionFailed:
                continue
            return generation
        raise Conflict(f"{name} is being changed by others all the time: try again", reason="GENERATION_CHANGED")

    async def _find(self, tenant: str, name: str) -> tuple[pb.Generation, int]:
        with translated():
            item = await self._store.get(_place(tenant, name))
        if item is None:
            raise NotFound(
                f"there is no {name}: it never was, was erased, or its time is over",
                reason="GENERATION_NOT_FOUND",
                metadata={"name": name},
            )
        return _unpack(item), item.version


def _place(tenant: str, name: str) -> Key:
    return Key(partition(tenant, "generations"), name.removeprefix("generations/"))


def _pack(generation: pb.Generation) -> dict[str, Any]:
    return {"generation": json_format.MessageToDict(generation, preserving_proto_field_name=True)}


def _unpack(item: Item) -> pb.Generation:
    data: Any = item.data["generation"]
    # What a newer gateway wrote is not lost on the way through an older one's memory, only not seen.
    return json_format.ParseDict(data, pb.Generation(), ignore_unknown_fields=True)


def _document(generation: pb.Generation) -> dict[str, Any]:
    """What filters see."""
    asked, started, done = generation.request, generation.started, generation.completed
    ratings = [review.rating for review in generation.reviews if review.rating]
    return {
        "name": generation.name,
        "state": pb.Generation.State.Name(generation.state),
        "brand": asked.brand,
        "format": asked.format,
        "language": started.language or asked.language,
        "products": list(started.products or asked.products),
        "brief": asked.brief,
        "backend": started.backend,
        "model": started.model,
        "prompt_version": started.prompt_version,
        "context_revision": started.context_revision,
        "key": generation.key,
        "trace_id": done.trace_id,
        "create_time": generation.create_time.ToDatetime(tzinfo=UTC),
        "valid": bool(done.ads) and all(ad.valid for ad in done.ads),
        "corrected": any(review.corrections for review in generation.reviews),
        "rating": min(ratings, default=0),
        "cost_usd": done.cost.units + done.cost.nanos / 1e9,
        "output_tokens": done.usage.output_tokens,
    }
