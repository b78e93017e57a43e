"""The one place that knows which stores there are."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Literal

from adwright_docstore.sqlite import SqliteStore, utc_now
from adwright_docstore.store import Store

__all__ = ["open_store"]


def open_store(
    kind: Literal["sqlite"],
    *,
    path: str | Path,
    page_token_key: bytes | None = None,
    now: Callable[[], datetime] = utc_now,
    lock_timeout: float = 5.0,
) -> Store:
    """Opens a store, to be closed by `async with` or `close()`; the arguments are SqliteStore's.

    Call it at the start of the process: it may block. Raises StoreUnavailable, or ValueError for
    a kind that there is not.
    """
    if kind != "sqlite":
        raise ValueError(f"there is no store of kind {kind!r}: use 'sqlite'")
    return SqliteStore(path, page_token_key=page_token_key, now=now, lock_timeout=lock_timeout)
