"""Resources as lines of a file that can be imported again."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from .catalog import Catalog
from .kinds import Kind, Resource

__all__ = ["Chunk", "export_lines"]

_PAGE: Final = 500
_CHUNK_BYTES: Final = 256 * 1024


@dataclass(frozen=True, slots=True)
class Chunk:
    """Whole lines of JSONL, and how many resources there were with them."""

    data: bytes
    exported: int


async def export_lines(
    catalog: Catalog, tenant: str, kind: Kind, brand_id: str, filter_text: str = ""
) -> AsyncIterator[Chunk]:
    """Yields all that are not deleted, by name, in chunks of 256 KiB or of one longer line.

    A resource that is written meanwhile is there as it was or as it is. Raises NotFound (brand), InvalidInput (filter).
    """
    lines, size, exported, token = list[bytes](), 0, 0, ""
    while True:
        listing = await catalog.list(tenant, kind, brand_id, page_size=_PAGE, page_token=token, filter_text=filter_text)
        for resource in listing.resources:
            line = _line(resource)
            if lines and size + len(line) > _CHUNK_BYTES:
                yield Chunk(b"".join(lines), exported)
                lines, size = [], 0
            lines.append(line)
            size += len(line)
            exported += 1
        token = listing.next_page_token
        if not token:
            break
    if lines:
        yield Chunk(b"".join(lines), exported)


def _line(resource: Resource) -> bytes:
    # Without what the service sets: times, and an etag that would be stale when it comes back.
    return json.dumps({"name": str(resource.name)} | resource.content, ensure_ascii=False).encode() + b"\n"
