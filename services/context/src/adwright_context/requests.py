"""Request ids (AIP-155): a write that is repeated with the same id is done once.

The id is recorded in the transaction of the write itself, so of two twins one writes and the other
finds the record. It is kept for an hour.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from adwright_docstore import ABSENT, Item, Key, Put
from adwright_servicekit.errors import AlreadyExists

from . import layout
from .kinds import Name

__all__ = ["RETENTION", "Request"]

RETENTION: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Request:
    """A write that its caller gave an id."""

    key: Key
    request_id: str
    method: str
    name: Name
    fingerprint: str

    @classmethod
    def of(cls, tenant: str, request_id: str, method: str, name: Name, *what: Any) -> Request | None:
        """The request, None where it has no id; `what` is all that makes it another one, as JSON."""
        if not request_id:
            return None
        text = json.dumps([method, str(name), *what], sort_keys=True)
        fingerprint = hashlib.sha256(text.encode()).hexdigest()
        sk = request_id.lower()
        return cls(Key(layout.requests_partition(tenant), sk), sk, method, name, fingerprint)

    def put(self, now: datetime) -> Put:
        """The operation that records it."""
        data = {"method": self.method, "fingerprint": self.fingerprint, "name": str(self.name)}
        return Put(self.key, data, ABSENT, now + RETENTION)

    def require_same(self, record: Item) -> None:
        """Raises AlreadyExists where the record is of another request."""
        if record.data["fingerprint"] != self.fingerprint:
            raise AlreadyExists(
                f"request_id: {self.request_id} was used for another request ({record.data['method']} "
                f"{record.data['name']}): take a new UUID for each request",
                reason="REQUEST_ID_REUSED",
                metadata={"request_id": self.request_id, "name": str(record.data["name"])},
            )
