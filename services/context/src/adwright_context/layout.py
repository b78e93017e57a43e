"""Where things lie in the store: one table, and the tenant in every partition key.

===========================================  ======================  ==============================
access                                       partition key           sort key
===========================================  ======================  ==============================
get, write a brand; check that it is there   ``TENANT#brands``       ``BRAND``
list a tenant's brands                       ``TENANT#brands``       all, in order
get, write a product or exemplar             ``TENANT#brand#BRAND``  ``products#ID``
list a brand's products or exemplars         ``TENANT#brand#BRAND``  prefix ``products#``
get, restore a deleted brand                 ``TENANT#brands``       ``BRAND!deleted``
what was written lately (`changes`)          ``…#changes#BRAND``     from a time on
was this request done? (`requests`)          ``TENANT#requests``     the request's UUID
an import: how far is it? (`import_record`)  ``TENANT#operations``   its id
the rows that it refused                     ``…#operation#ID``      the line, all in order
deleted brands that are due (`janitor`)      ``adwright#expunge``    ``TIME#TENANT#BRAND``, to a time
===========================================  ======================  ==============================

AssembleContext is one get of several keys (brand and named products) and one range for each of
what it ranks. A tenant is quoted, so that no tenant's name can reach into another's partition.

A deleted product or exemplar stays where it is and expires by itself. A deleted brand moves to another
sort key: then a transaction that expects the brand's own key to be present holds for live brands only,
deleting is one write whatever the brand has, and the order of names stays (``!`` sorts before all that an
id is made of). Its children stay too, and nobody reaches them without the brand.

An item holds ``content`` (protobuf JSON), ``hash`` of it, ``create_time`` and ``update_time``,
and ``delete_time`` and ``expire_time`` where it is deleted.
"""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote

from adwright_docstore import ALL, Item, Key, Prefix, SkRange

from .kinds import BRAND, Content, Kind, Name, Resource

__all__ = [
    "EXPUNGE_PARTITION",
    "EXPUNGING",
    "changes_partition",
    "content_hash",
    "deleted_key",
    "expunge_key",
    "id_of",
    "is_being_expunged",
    "is_deleted",
    "key_of",
    "operations_partition",
    "pack",
    "partition",
    "refused_partition",
    "requests_partition",
    "sk_range",
    "stamp",
    "unpack",
    "vectors_partition",
]

EXPUNGE_PARTITION: Final = "adwright#expunge"
EXPUNGING: Final = "expunging"
_DELETED: Final = "!deleted"


def partition(tenant: str, kind: Kind, brand_id: str) -> str:
    """The partition in which resources of `kind` lie; `brand_id` is not looked at for brands."""
    owner = quote(tenant, safe="")
    return f"{owner}#brand#{brand_id}" if kind.in_brand else f"{owner}#brands"


def changes_partition(tenant: str, brand_id: str) -> str:
    """The partition of a brand's change log."""
    return f"{quote(tenant, safe='')}#changes#{brand_id}"


def vectors_partition(tenant: str, brand_id: str) -> str:
    """The partition of the vectors of a brand's products."""
    return f"{quote(tenant, safe='')}#vectors#{brand_id}"


def stamp(moment: datetime) -> str:
    """A time as part of a sort key: of fixed width, so that the order of the texts is the order in time."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")


def requests_partition(tenant: str) -> str:
    """The partition of a tenant's request ids."""
    return f"{quote(tenant, safe='')}#requests"


def operations_partition(tenant: str) -> str:
    """The partition of a tenant's imports."""
    return f"{quote(tenant, safe='')}#operations"


def refused_partition(tenant: str, operation_id: str) -> str:
    """The partition of the rows that an import refused."""
    return f"{quote(tenant, safe='')}#operation#{operation_id}"


def deleted_key(tenant: str, brand_id: str) -> Key:
    """Where a brand lies while it is deleted."""
    return Key(partition(tenant, BRAND, brand_id), brand_id + _DELETED)


def expunge_key(tenant: str, brand_id: str, expire_time: datetime) -> Key:
    """The entry by which a deleted brand is found when it is due."""
    return Key(EXPUNGE_PARTITION, f"{stamp(expire_time)}#{quote(tenant, safe='')}#{brand_id}")


def sk_range(kind: Kind) -> SkRange:
    """The sort keys of `kind` in its partition."""
    return Prefix(f"{kind.plural}#") if kind.in_brand else ALL


def key_of(tenant: str, name: Name) -> Key:
    """Where one resource lies."""
    sk = f"{name.kind.plural}#{name.id}" if name.kind.in_brand else name.id
    return Key(partition(tenant, name.kind, name.brand_id), sk)


def id_of(key: Key) -> str:
    """The last segment of the name of what lies there."""
    return key.sk.rpartition("#")[2].removesuffix(_DELETED)


def is_deleted(item: Item) -> bool:
    """Whether what lies there can only be read and restored."""
    return "delete_time" in item.data


def is_being_expunged(item: Item) -> bool:
    """Whether it is deleted and cannot be restored any more."""
    return EXPUNGING in item.data


def content_hash(content: Content) -> str:
    """Twelve hex digits that change with the content, whatever the order of its keys."""
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def pack(
    content: Content,
    create_time: datetime,
    update_time: datetime,
    *,
    delete_time: datetime | None = None,
    expire_time: datetime | None = None,
) -> dict[str, Any]:
    """What is stored of a resource."""
    data: dict[str, Any] = {
        "content": content,
        "hash": content_hash(content),
        "create_time": create_time.isoformat(),
        "update_time": update_time.isoformat(),
    }
    if delete_time is not None and expire_time is not None:
        data |= {"delete_time": delete_time.isoformat(), "expire_time": expire_time.isoformat()}
    return data


def unpack(kind: Kind, brand_id: str, item: Item) -> Resource:
    """The resource that an item holds; `brand_id` is not looked at for brands."""
    data: dict[str, Any] = dict(item.data)
    identifier = id_of(item.key)
    return Resource(
        name=Name(kind, identifier if kind is BRAND else brand_id, identifier),
        content=data["content"],
        etag=f"{item.version:x}-{data['hash']}",
        create_time=datetime.fromisoformat(data["create_time"]),
        update_time=datetime.fromisoformat(data["update_time"]),
        version=item.version,
        delete_time=_time(data, "delete_time"),
        expire_time=_time(data, "expire_time"),
    )


def _time(data: dict[str, Any], name: str) -> datetime | None:
    return datetime.fromisoformat(data[name]) if name in data else None
