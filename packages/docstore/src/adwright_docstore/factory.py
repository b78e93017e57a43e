"""The one place that knows which stores there are."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, overload

from adwright_docstore.sqlite import SqliteStore, utc_now
from adwright_docstore.store import Store

__all__ = ["open_store"]


@overload
def open_store(
    kind: Literal["sqlite"],
    *,
    path: str | Path,
    page_token_key: bytes | None = None,
    now: Callable[[], datetime] = utc_now,
    lock_timeout: float = 5.0,
) -> Store: ...


@overload
def open_store(
    kind: Literal["dynamodb"],
    *,
    table: str,
    page_token_key: bytes | None = None,
    now: Callable[[], datetime] = utc_now,
    timeout: float = 10.0,
    concurrency: int = 16,
    client: Any | None = None,
) -> Store: ...


def open_store(kind: str, **options: Any) -> Store:
    """Opens a store, to be closed by `async with` or `close()`; the arguments are those of its class.

    Call it at the start of the process, for it may block, and then `ready()`, which says what is
    missing. Raises StoreUnavailable, or ValueError for a kind that there is not.
    """
    if kind == "sqlite":
        return SqliteStore(**options)
    if kind == "dynamodb":
        # Loaded here: boto3 is an extra.
        from adwright_docstore.dynamodb import DynamoDBStore

        return DynamoDBStore(**options)
    raise ValueError(f"there is no store of kind {kind!r}: use 'sqlite' or 'dynamodb'")
