"""Where things lie in the store: one table, and the tenant in every partition key.

===========================================  ======================  ==============================
access                                       partition key           sort key
===========================================  ======================  ==============================
get, write a brand; check that it is there   ``TENANT#brands``       ``BRAND``
list a tenant's brands                       ``TENANT#brands``       all, in order
get, write a product or exemplar             ``TENANT#brand#BRAND``  ``products#ID``
list a brand's products or exemplars         ``TENANT#brand#BRAND``  prefix ``products#``
what was written lately (`changes`)          ``…#changes#BRAND``     from a time on
===========================================  ======================  ==============================

AssembleContext is one get of several keys (brand and named products) and one range for each of
what it ranks. A tenant is quoted, so that no tenant's name can reach into another's partition.
An item holds ``content`` (protobuf JSON), ``hash`` of it, ``create_time`` and ``update_time``.
"""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import Any
from urllib.parse import quote

from adwright_docstore import ALL, Item, Key, Prefix, SkRange

from .kinds import BRAND, Content, Kind, Name, Resource

__all__ = ["changes_partition", "content_hash", "id_of", "key_of", "pack", "partition", "sk_range", "unpack"]


def partition(tenant: str, kind: Kind, brand_id: str) -> str:
    """The partition in which resources of `kind` lie; `brand_id` is not looked at for brands."""
    owner = quote(tenant, safe="")
    return f"{owner}#brand#{brand_id}" if kind.in_brand else f"{owner}#brands"


def changes_partition(tenant: str, brand_id: str) -> str:
    """The partition of a brand's change log."""
    return f"{quote(tenant, safe='')}#changes#{brand_id}"


def sk_range(kind: Kind) -> SkRange:
    """The sort keys of `kind` in its partition."""
    return Prefix(f"{kind.plural}#") if kind.in_brand else ALL


def key_of(tenant: str, name: Name) -> Key:
    """Where one resource lies."""
    sk = f"{name.kind.plural}#{name.id}" if name.kind.in_brand else name.id
    return Key(partition(tenant, name.kind, name.brand_id), sk)


def id_of(key: Key) -> str:
    """The last segment of the name of what lies there."""
    return key.sk.rpartition("#")[2]


def content_hash(content: Content) -> str:
    """Twelve hex digits that change with the content, whatever the order of its keys."""
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def pack(content: Content, create_time: datetime, update_time: datetime) -> dict[str, Any]:
    """What is stored of a resource."""
    return {
        "content": content,
        "hash": content_hash(content),
        "create_time": create_time.isoformat(),
        "update_time": update_time.isoformat(),
    }


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
    )
