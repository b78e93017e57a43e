"""What an encoded AdEvent is, without decoding it."""

from __future__ import annotations

from typing import Final

from adwright.type.v1 import ad_event_pb2

__all__ = ["KINDS"]

KINDS: Final = {
    ((field.number << 3) | 2): field.name for field in ad_event_pb2.AdEvent.DESCRIPTOR.oneofs_by_name["event"].fields
}
"""By the first byte: an AdEvent is a oneof, so that is the tag of what happened."""
