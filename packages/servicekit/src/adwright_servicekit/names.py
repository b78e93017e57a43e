"""Resource names (AIP-122): built, taken apart, and completed from the short ids people type."""

import re

from .errors import InvalidInput

__all__ = ["ID_PATTERN", "brand_name", "child_name", "format_name", "parent_of", "short_id"]

ID_PATTERN = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
"""What an id looks like: lower-case letters, digits and hyphens, at most 63."""

_ID = re.compile(ID_PATTERN)


def brand_name(value: str) -> str:
    """`nordlys` or `brands/nordlys` → `brands/nordlys`. Raises InvalidInput."""
    return _complete(value, "brand", "brands/")


def format_name(value: str) -> str:
    """`google-rsa` or `formats/google-rsa` → `formats/google-rsa`. Raises InvalidInput."""
    return _complete(value, "format", "formats/")


def child_name(brand: str, collection: str, value: str, field: str) -> str:
    """`aurora-trail-2` in `brands/nordlys` → `brands/nordlys/products/aurora-trail-2`; full names stay.

    Whether a full name belongs to the brand is for the context service to say. Raises InvalidInput.
    """
    match = re.fullmatch(rf"(?:brands/{ID_PATTERN}/{collection}/)?{ID_PATTERN}", value)
    if match is None:
        raise InvalidInput.of(
            field,
            f"'{value}' is no name; expected {brand}/{collection}/ID or the ID alone",
            reason="INVALID_NAME",
        )
    return value if "/" in value else f"{brand}/{collection}/{value}"


def parent_of(name: str) -> str:
    """`brands/nordlys/products/x` → `brands/nordlys`; `brands/nordlys` → empty."""
    return "/".join(name.split("/")[:-2])


def short_id(name: str) -> str:
    """`brands/nordlys/products/x` → `x`."""
    return name.rsplit("/", 1)[-1]


def _complete(value: str, field: str, prefix: str) -> str:
    if not _ID.fullmatch(value.removeprefix(prefix)):
        raise InvalidInput.of(
            field, f"'{value}' is no name; expected {prefix}ID or the ID alone", reason="INVALID_NAME"
        )
    return prefix + value.removeprefix(prefix)
