"""What makes two transactions the same, for the request tokens that forbid others."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

from adwright_docstore import limits
from adwright_docstore.model import Op, Put

__all__ = ["fingerprint_of"]


def fingerprint_of(ops: Sequence[Op]) -> bytes:
    """Returns 32 bytes that are equal for equal operations in the same order."""
    plain = [
        [type(op).__name__, op.key.pk, op.key.sk, repr(op.expect)]
        + ([dict(op.data), limits.epoch_seconds(op.expires_at)] if isinstance(op, Put) else [])
        for op in ops
    ]
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).digest()
