"""The standard methods, once for all kinds of resources."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from adwright_docstore import (
    ABSENT,
    PRESENT,
    Check,
    ConditionFailed,
    Item,
    Put,
    Store,
    Version,
)
from adwright_servicekit.errors import AlreadyExists, Conflict, FailedPrecondition, NotFound

from . import layout
from .brands import purge
from .kinds import BRAND, KINDS, Content, Kind, Name, Resource
from .masks import updated
from .similarity import closest
from .store_errors import translated
from .validation import Contract, check, refuse

__all__ = ["Catalog", "Listing"]

_DEFAULT_PAGE = 50
_ATTEMPTS = 4
_SUGGESTED_FROM = 1000


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

    async def create(self, tenant: str, name: Name, content: Content, *, validate_only: bool = False) -> Resource:
        """Creates a resource. Raises InvalidInput, AlreadyExists, or NotFound (brand)."""
        refuse(name.kind, check(self.contract, name, content))
        key, brand = layout.key_of(tenant, name), layout.key_of(tenant, name.brand)
        now = self.now()
        with translated():
            if validate_only:
                there = await self.store.get_many([key, brand])
                if name.kind.in_brand and brand not in there:
                    raise await self.not_found(tenant, name.brand)
                if key in there:
                    raise _taken(name)
                return Resource(name, content)
            put = Put(key, layout.pack(content, now, now), ABSENT)
            try:
                if name.kind.in_brand:
                    await self.store.transact([Check(brand, PRESENT), put])
                else:
                    await self.store.put(key, put.data, expect=ABSENT)
                    await purge(self.store, tenant, name.id)
            except ConditionFailed as error:
                if error.key == key:
                    raise _taken(name) from None
                raise await self.not_found(tenant, name.brand) from None
        return layout.unpack(name.kind, name.brand_id, Item(key, put.data, version=1))

    async def get(self, tenant: str, name: Name) -> Resource:
        """Reads a resource. Raises NotFound."""
        with translated():
            item = await self.store.get(layout.key_of(tenant, name))
        if item is None:
            raise await self.not_found(tenant, name)
        return layout.unpack(name.kind, name.brand_id, item)

    async def list(self, tenant: str, kind: Kind, brand_id: str, *, page_size: int, page_token: str) -> Listing:
        """One page by name, `page_size` 0: 50. Raises NotFound (brand), InvalidInput (token)."""
        with translated():
            page = await self.store.query(
                layout.partition(tenant, kind, brand_id),
                sk=layout.sk_range(kind),
                limit=page_size or _DEFAULT_PAGE,
                page_token=page_token or None,
                consistent=True,
            )
        if kind.in_brand and not page.items:
            await self.get(tenant, Name.of_brand(brand_id))
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
    ) -> Resource:
        """Changes what the mask names; a change to what is there already writes nothing.

        Raises NotFound, Conflict where the etag is stale, InvalidInput.
        """
        schema = self.contract.schema(name.kind)
        for _ in range(_ATTEMPTS):
            current = await self.get(tenant, name)
            _require_etag(current, etag)
            content = updated(schema, current.content, wanted, paths)
            refuse(name.kind, check(self.contract, name, content))
            if validate_only:
                return Resource(name, content, create_time=current.create_time)
            if content == current.content:
                return current
            data = layout.pack(content, current.create_time or self.now(), self.now())
            try:
                with translated():
                    item = await self.store.put(layout.key_of(tenant, name), data, expect=Version(current.version))
            except ConditionFailed:
                # Somebody was faster: with an etag that is a conflict, without one we merge anew.
                continue
            return layout.unpack(name.kind, name.brand_id, item)
        raise Conflict(
            f"{name} is being changed by others all the time: try again",
            reason=name.kind.reason("CHANGED"),
        )

    async def delete(self, tenant: str, name: Name, *, etag: str = "", force: bool = False) -> None:
        """Deletes a resource; a brand that is not empty only with `force`, and then all it has.

        Raises NotFound, Conflict where the etag is stale, FailedPrecondition.
        """
        for _ in range(_ATTEMPTS):
            current = await self.get(tenant, name)
            _require_etag(current, etag)
            key = layout.key_of(tenant, name)
            try:
                with translated():
                    if name.kind is BRAND:
                        if force:
                            await purge(self.store, tenant, name.id)
                        else:
                            await self._require_empty(tenant, name)
                    await self.store.delete(key, expect=Version(current.version))
            except ConditionFailed:
                continue
            return
        raise Conflict(
            f"{name} is being changed by others all the time: try again",
            reason=name.kind.reason("CHANGED"),
        )

    async def not_found(self, tenant: str, name: Name) -> NotFound:
        """The error for a name that is not there, with the nearest that is."""
        kind = name.kind
        with translated():
            if kind.in_brand and await self.store.get(layout.key_of(tenant, name.brand)) is None:
                return await self.not_found(tenant, name.brand)
            page = await self.store.query(
                layout.partition(tenant, kind, name.brand_id),
                sk=layout.sk_range(kind),
                limit=_SUGGESTED_FROM,
            )
        near = closest(name.id, [layout.id_of(item.key) for item in page.items])
        if near is not None:
            meant = Name(kind, name.brand_id if kind.in_brand else near, near)
            remedy = f"did you mean {meant}?"
            metadata = {"name": str(name), "suggestion": str(meant)}
        else:
            place = f"{name.brand} has" if kind.in_brand else "there are"
            many = f"list the {kind.plural} to see which {place}" if page.items else f"{place} none"
            remedy, metadata = many, {"name": str(name)}
        return NotFound(f"there is no {name}: {remedy}", reason=kind.reason("NOT_FOUND"), metadata=metadata)

    async def _require_empty(self, tenant: str, brand: Name) -> None:
        for kind in (k for k in KINDS if k.in_brand):
            page = await self.store.query(
                layout.partition(tenant, kind, brand.id),
                sk=layout.sk_range(kind),
                limit=1,
                consistent=True,
            )
            if page.items:
                raise FailedPrecondition(
                    f"{brand} still has {kind.plural}: delete them first, or set force",
                    reason="BRAND_NOT_EMPTY",
                )


def _require_etag(current: Resource, etag: str) -> None:
    if etag and etag != current.etag:
        raise Conflict(
            f"{current.name} has changed since it was read: read it again and repeat the change",
            reason="ETAG_MISMATCH",
            metadata={"etag": current.etag, "name": str(current.name)},
        )


def _taken(name: Name) -> AlreadyExists:
    return AlreadyExists(
        f"{name} exists already: update it, or choose another id",
        reason=name.kind.reason("ALREADY_EXISTS"),
        metadata={"name": str(name)},
    )
