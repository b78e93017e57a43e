"""Names of the partitions in which a tenant's data are, and of what is in them."""

from __future__ import annotations

import secrets
from datetime import datetime
from urllib.parse import quote

__all__ = ["new_id", "partition"]


def partition(tenant: str, what: str) -> str:
    """`TENANT#keys`, for example; no tenant's name can reach into another's."""
    return f"{quote(tenant, safe='')}#{what}"


def new_id(now: datetime) -> str:
    """32 hex digits: the time in milliseconds, then chance, so that ids sort as they were made."""
    return f"{int(now.timestamp() * 1000):012x}{secrets.token_hex(10)}"
