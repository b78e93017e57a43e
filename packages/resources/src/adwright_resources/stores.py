"""The store that a service's settings name, opened so that a bad setting stops the start with one line."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from adwright_docstore import Store, StoreUnavailable, open_store
from adwright_servicekit.settings import SettingsError

__all__ = ["open_configured_store", "utc_now"]


def utc_now() -> datetime:
    """The clock of a running service."""
    return datetime.now(UTC)


async def open_configured_store(
    service: str, kind: Literal["sqlite", "dynamodb"], *, sqlite_path: Path, dynamodb_table: str
) -> Store:
    """Opens the store of `service` (`CONTEXT`, as its variables spell it). Raises SettingsError naming the variable."""
    try:
        store = open_store("sqlite", path=sqlite_path) if kind == "sqlite" else open_store(kind, table=dynamodb_table)
        try:
            await store.ready()
        except BaseException:
            await store.close()
            raise
        return store
    except StoreUnavailable as error:
        variable = "SQLITE_PATH" if kind == "sqlite" else "DYNAMODB_TABLE"
        raise SettingsError(f"ADWRIGHT_{service}_{variable}: {error}") from error
