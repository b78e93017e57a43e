"""The three kinds of resources, their names, and the content that is stored of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeAlias

from adwright_servicekit.errors import InvalidInput
from adwright_servicekit.names import ID_PATTERN

__all__ = ["BRAND", "EXEMPLAR", "KINDS", "PRODUCT", "Content", "Kind", "Name", "Resource"]

Content: TypeAlias = dict[str, Any]
"""A resource as protobuf JSON with proto field names, without name, etag and times."""

_ID: Final = re.compile(ID_PATTERN)


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of resource; all but brands live in a brand."""

    singular: str
    plural: str
    in_brand: bool

    def reason(self, what: str) -> str:
        """The reason of an error about this kind: `PRODUCT_NOT_FOUND`."""
        return f"{self.singular.upper()}_{what}"

    @property
    def pattern(self) -> str:
        """What its names look like, for people."""
        return f"brands/BRAND/{self.plural}/ID" if self.in_brand else "brands/ID"


BRAND: Final = Kind("brand", "brands", in_brand=False)
PRODUCT: Final = Kind("product", "products", in_brand=True)
EXEMPLAR: Final = Kind("exemplar", "exemplars", in_brand=True)
KINDS: Final = (BRAND, PRODUCT, EXEMPLAR)


@dataclass(frozen=True, slots=True)
class Name:
    """A resource name, taken apart; `id` is the brand's own id where the kind is a brand."""

    kind: Kind
    brand_id: str
    id: str

    def __str__(self) -> str:
        if self.kind.in_brand:
            return f"brands/{self.brand_id}/{self.kind.plural}/{self.id}"
        return f"brands/{self.brand_id}"

    @property
    def brand(self) -> Name:
        """The brand that the resource lives in, or the brand itself."""
        return Name.of_brand(self.brand_id)

    @classmethod
    def of_brand(cls, brand_id: str) -> Name:
        """The name of a brand by its id."""
        return cls(BRAND, brand_id, brand_id)

    @classmethod
    def parse(cls, kind: Kind, text: str, field: str = "name") -> Name:
        """Takes `text` apart. Raises InvalidInput that names `field`."""
        parts = text.split("/")
        ids = parts[1::2]
        words = ["brands", kind.plural] if kind.in_brand else ["brands"]
        if parts[::2] == words and len(ids) == len(words) and all(map(_ID.fullmatch, ids)):
            return cls(kind, ids[0], ids[-1])
        problem = f"{text!r} is no {kind.singular}'s name" if text else "is missing"
        raise InvalidInput.of(field, f"{problem}: write {kind.pattern}", reason=kind.reason("NAME_INVALID"))


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource as it was read; `etag` is empty where it has not been written."""

    name: Name
    content: Content
    etag: str = ""
    create_time: datetime | None = None
    update_time: datetime | None = None
    version: int = 0
    delete_time: datetime | None = None
    expire_time: datetime | None = None

    @property
    def deleted(self) -> bool:
        """Whether it can only be read and restored."""
        return self.delete_time is not None

    def document(self) -> dict[str, Any]:
        """All its fields by name, as filters see them."""
        return {
            **self.content,
            "name": str(self.name),
            "etag": self.etag,
            "create_time": self.create_time,
            "update_time": self.update_time,
            "delete_time": self.delete_time,
            "expire_time": self.expire_time,
        }
