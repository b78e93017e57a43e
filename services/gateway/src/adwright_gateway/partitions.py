"""Names of the partitions in which a tenant's data are."""

from __future__ import annotations

from urllib.parse import quote

__all__ = ["partition"]


def partition(tenant: str, what: str) -> str:
    """`TENANT#keys`, for example; no tenant's name can reach into another's."""
    return f"{quote(tenant, safe='')}#{what}"
