"""How services of one installation know each other: by a secret that they share, beside the tenant they name.

Without a secret a service believes whoever can reach it, so then the network has to see to who can.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Sequence
from typing import Final

from .call import TENANT_METADATA, Identity
from .errors import Unauthenticated

__all__ = ["SERVICE_METADATA", "Peers"]

SERVICE_METADATA: Final = "x-adwright-service"
"""Metadata key by which a service shows that it is one."""


class Peers:
    """Knows the other services by their secret."""

    def __init__(self, secrets: Sequence[str] = ()) -> None:
        """The first is shown to others, all are believed: that is how one is replaced while calls go on."""
        self._secrets = [secret.encode() for secret in secrets]

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        """What a call to another service carries."""
        return ((SERVICE_METADATA, self._secrets[0].decode()),) if self._secrets else ()

    async def identify(self, method: str, metadata: Iterable[tuple[str, str | bytes]]) -> Identity:
        """The tenant that another service names. Raises Unauthenticated."""
        metadata = tuple(metadata)
        if self._secrets and not self.shown_in(metadata):
            raise Unauthenticated(
                "this service answers the other services only, and the caller does not show ADWRIGHT_SERVICE_SECRET: "
                "call the gateway, or give caller and service the same secret",
                reason="SERVICE_UNKNOWN",
            )
        for key, value in metadata:
            if key == TENANT_METADATA and isinstance(value, str) and value:
                return Identity(tenant=value)
        raise Unauthenticated(
            f"this service is called through the gateway, which names the tenant in {TENANT_METADATA}",
            reason="TENANT_MISSING",
        )

    def shown_in(self, metadata: Iterable[tuple[str, str | bytes]]) -> bool:
        """Whether a call comes from a service; never where there is no secret."""
        shown = [
            value if isinstance(value, bytes) else value.encode() for key, value in metadata if key == SERVICE_METADATA
        ]
        return any(hmac.compare_digest(secret, given) for secret in self._secrets for given in shown)
