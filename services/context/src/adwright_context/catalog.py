"""The standard methods, once for all kinds of resources: create, get, list, update; `deletion` has the others."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from adwright_docstore import ABSENT, Check, ConditionFailed, Item, Op, Put, Store, Version
from adwright_resources.filters import compile_filter
from adwright_resources.store_errors import translated
from adwright_servicekit.errors import AlreadyExists, Conflict, FailedPrecondition, NotFound

from . import layout
from .brands import purge
from .kinds import BRAND, Content, Kind, Name, Resource
from .lookup import Lookup
from .masks import updated
from .requests import Request
from .validation import Contract, check, refuse
from .writing import Writer

__all__ = ["ATTEMPTS", "Catalog", "Listing", "busy", "require_etag", "require_live"]

ATTEMPTS = 40
"""How often a write without an etag is merged anew when others are faster."""

_DEFAULT_PAGE = 50


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of resources by name; the token is empty on the last one."""

    resources: Sequence[Resource]
    next_page_token: str


class Catalog:
    """Brands, products and exemplars of all tenants; every method takes the tenant it acts for."""

    def __init__(self, store: Store, contract: Contract, now: Callable[[], datetime]) -> None:
        """`now` returns an aware datetime, for create and update times."""
        self.store = store
        self.contract = contract
        self.now = now
        self.lookup = Lookup(store)
        self.writer = Writer(store, now)

    @property
    def on_change(self) -> list[Callable[[str, str], None]]:
        """Called with tenant and brand id after every write of this process."""
        return self.writer.on_change

    async def create(
        self, tenant: str, name: Name, content: Content, *, validate_only: bool = False, request_id: str = ""
    ) -> Resource:
        """Creates a resource. Raises InvalidInput, AlreadyExists, or NotFound (brand)."""
        refuse(name.kind, check(self.contract, name, content))
        if validate_only:
            await self._require_free(tenant, name)
            return Resource(name, content)
        request = Request.of(tenant, request_id, "Create", name, content)
        return await self.writer.once(
            request, lambda: self._create(tenant, name, content, request), lambda: self.get(tenant, name)
        )

    async def get(self, tenant: str, name: Name) -> Resource:
        """Reads a resource, also a deleted one. Raises NotFound."""
        return await self.lookup.get(tenant, name)

    async def list(
        self,
        tenant: str,
        kind: Kind,
        brand_id: str,
        *,
        page_size: int,
        page_token: str,
        filter_text: str = "",
        show_deleted: bool = False,
    ) -> Listing:
        """One page by name, `page_size` 0: 50. Raises NotFound (brand), InvalidInput (filter, token)."""
        matches = compile_filter(self.contract.fields(kind), filter_text)
        if kind.in_brand:
            await self.lookup.require_brand(tenant, Name.of_brand(brand_id))

        def where(item: Item) -> bool:
            return (show_deleted or not layout.is_deleted(item)) and matches(
                layout.unpack(kind, brand_id, item).document()
            )

        with translated():
            page = await self.store.select(
                layout.partition(tenant, kind, brand_id),
                where=where,
                bind=json.dumps([filter_text, show_deleted]),
                sk=layout.sk_range(kind),
                limit=page_size or _DEFAULT_PAGE,
                page_token=page_token or None,
                consistent=True,
            )
        return Listing([layout.unpack(kind, brand_id, item) for item in page.items], page.next_page_token or "")

    async def update(
        self,
        tenant: str,
        name: Name,
        wanted: Content,
        *,
        paths: Sequence[str] = (),
        etag: str = "",
        validate_only: bool = False,
        request_id: str = "",
    ) -> Resource:
        """Changes what the mask names; a change to what is there already writes nothing.

        Raises NotFound, Conflict where the etag is stale, FailedPrecondition where it is deleted, InvalidInput.
        """
        request = None if validate_only else Request.of(tenant, request_id, "Update", name, wanted, list(paths), etag)

        async def write() -> Resource:
            for _ in range(ATTEMPTS):
                current = await self.get(tenant, name)
                require_live(current)
                require_etag(current, etag)
                content = updated(self.contract.schema(name.kind), current.content, wanted, paths)
                refuse(name.kind, check(self.contract, name, content))
                if validate_only:
                    return Resource(name, content, create_time=current.create_time)
                put = self._replacement(tenant, current, content)
                try:
                    await self.writer.commit(tenant, name, [put] if put else [], request)
                except ConditionFailed:
                    # Somebody was faster: with an etag that is a conflict, without one we merge anew.
                    continue
                if put is None:
                    return current
                return layout.unpack(name.kind, name.brand_id, Item(put.key, put.data, current.version + 1))
            raise busy(name)

        return await self.writer.once(request, write, lambda: self.get(tenant, name))

    async def not_found(self, tenant: str, name: Name) -> NotFound:
        """The error for a name that is not there, with the nearest that is."""
        return await self.lookup.not_found(tenant, name)

    async def _create(self, tenant: str, name: Name, content: Content, request: Request | None) -> Resource:
        key, now = layout.key_of(tenant, name), self.now()
        put = Put(key, layout.pack(content, now, now), ABSENT)
        ops: list[Op] = [put]
        try:
            if name.kind is BRAND:
                deleted = Check(layout.deleted_key(tenant, name.id), ABSENT)
                ops.append(deleted)
                with translated():
                    await purge(self.store, tenant, name.id, [Check(key, ABSENT), deleted])
            await self.writer.commit(tenant, name, ops, request)
        except ConditionFailed:
            await self._require_free(tenant, name)
            # It was in the way a moment ago, and is not any more.
            raise busy(name) from None
        return layout.unpack(name.kind, name.brand_id, Item(key, put.data, version=1))

    async def _require_free(self, tenant: str, name: Name) -> None:
        if name.kind.in_brand:
            await self.lookup.require_brand(tenant, name.brand)
        try:
            there = await self.get(tenant, name)
        except NotFound:
            return
        raise _taken(there)

    def _replacement(self, tenant: str, current: Resource, content: Content) -> Put | None:
        if content == current.content:
            return None
        data = layout.pack(content, current.create_time or self.now(), self.now())
        return Put(layout.key_of(tenant, current.name), data, Version(current.version))


def require_etag(current: Resource, etag: str) -> None:
    """Raises Conflict, with the present etag, where another is expected."""
    if etag and etag != current.etag:
        raise Conflict(
            f"{current.name} has changed since it was read: read it again and repeat the change",
            reason="ETAG_MISMATCH",
            metadata={"etag": current.etag, "name": str(current.name)},
        )


def require_live(current: Resource) -> None:
    """Raises FailedPrecondition where the resource is deleted."""
    if current.deleted:
        raise FailedPrecondition(
            f"{current.name} is deleted: restore it first with Undelete{current.name.kind.singular.title()}",
            reason=current.name.kind.reason("DELETED"),
            metadata={"name": str(current.name)},
        )


def busy(name: Name) -> Conflict:
    """The error where others are always faster."""
    return Conflict(
        f"{name} is being changed by others all the time: try again",
        reason=name.kind.reason("CHANGED"),
    )


def _taken(there: Resource) -> AlreadyExists:
    name = there.name
    remedy = "update it, or choose another id"
    if there.deleted:
        remedy = f"it is deleted and can be restored with Undelete{name.kind.singular.title()}, or choose another id"
    return AlreadyExists(
        f"{name} exists already: {remedy}",
        reason=name.kind.reason("ALREADY_EXISTS"),
        metadata={"name": str(name)},
    )
