"""The store that a service's settings name, opened so that a bad setting stops the start with one line."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from adwright_docstore import Store, StoreUnavailable, open_store
from adwright_servicekit.settings import SettingsError

__all__ = ["StorePlace", "utc_now"]


def utc_now() -> datetime:
    """The clock of a running service."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class StorePlace:
    """Where a service keeps what it keeps."""

    service: str
    """As its variables spell it: `CONTEXT`."""
    kind: Literal["sqlite", "dynamodb"]
    sqlite_path: Path
    dynamodb_table: str

    async def open(self) -> Store:
        """Opens it. Raises SettingsError naming the variable."""
        try:
            store = (
                open_store("sqlite", path=self.sqlite_path)
                if self.kind == "sqlite"
                else open_store("dynamodb", table=self.dynamodb_table)
            )
            try:
                await store.ready()
            except BaseException:
                await store.close()
                raise
            return store
        except StoreUnavailable as error:
            variable = "SQLITE_PATH" if self.kind == "sqlite" else "DYNAMODB_TABLE"
            raise SettingsError(f"ADWRIGHT_{self.service}_{variable}: {error}") from error
