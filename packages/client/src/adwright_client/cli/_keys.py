"""What the commands about keys say: the secret on standard output, alone, and the rest on standard error."""

import sys
from collections.abc import Iterable
from datetime import timedelta

from adwright.gateway.v1.key_service_pb2 import Key
from adwright.gateway.v1.quota_service_pb2 import Limits
from adwright_servicekit.names import short_id

from ..keys import Keys

__all__ = ["create", "revoke", "rotate"]


async def create(keys: Keys, scopes: Iterable[str], name: str, days: int, limits: Limits) -> int:
    """Prints the secret, so that it can go into a file or a variable."""
    ttl = timedelta(days=days) if days else None
    made = await keys.create(scopes, display_name=name, ttl=ttl, limits=limits)
    _say(f"key {short_id(made.key.name)} made{_until(made.key)}; this is its secret, and it cannot be shown again:")
    print(made.secret)
    return 0


async def rotate(keys: Keys, key: str, overlap_hours: int, days: int) -> int:
    """Prints the new secret."""
    ttl = timedelta(days=days) if days else None
    turned = await keys.rotate(key, overlap=timedelta(hours=overlap_hours), ttl=ttl)
    old = short_id(turned.replaced.name)
    _say(f"key {short_id(turned.key.name)} made{_until(turned.key)}; {old} opens{_until(turned.replaced)}; the secret:")
    print(turned.secret)
    return 0


async def revoke(keys: Keys, key: str) -> int:
    """Says what is revoked."""
    gone = await keys.revoke(key)
    print(f"key {short_id(gone.name)} ({gone.hint}…) revoked; it opens nothing after 5 seconds")
    return 0


def _until(key: Key) -> str:
    return f" until {key.expire_time.ToDatetime():%Y-%m-%d %H:%M} UTC" if key.HasField("expire_time") else ""


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr)
