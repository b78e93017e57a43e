"""What the context service can be told by the environment."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from adwright_resources.stores import StorePlace
from adwright_servicekit.settings import Address, ServerSettings, Settings, env

__all__ = ["ContextSettings", "StoreSettings"]


class StoreSettings(Settings):
    """Where resources are kept."""

    store: Literal["sqlite", "dynamodb"] = env("ADWRIGHT_CONTEXT_STORE", "sqlite")
    sqlite_path: Path = env("ADWRIGHT_CONTEXT_SQLITE_PATH", "./.adwright/context.db")
    dynamodb_table: str = env("ADWRIGHT_CONTEXT_DYNAMODB_TABLE", "adwright-context", pattern=r"^[A-Za-z0-9_.-]{3,255}$")

    @property
    def place(self) -> StorePlace:
        """What is to be opened."""
        return StorePlace("CONTEXT", self.store, self.sqlite_path, self.dynamodb_table)


class ContextSettings(StoreSettings, ServerSettings):
    """The service itself."""

    listen: Address = env("ADWRIGHT_CONTEXT_LISTEN", "127.0.0.1:50052")
    max_staleness: float = env("ADWRIGHT_CONTEXT_MAX_STALENESS", 2.0, ge=0, le=60)
    """How old AssembleContext may be with regard to what other replicas wrote. Units: seconds."""
    index_mb: int = env("ADWRIGHT_CONTEXT_INDEX_MB", 1024, ge=16)
    """What the brands in memory may take together."""
    cache_mb: int = env("ADWRIGHT_CONTEXT_CACHE_MB", 64, ge=1)
    """What the resources in memory may take."""
    embeddings: Literal["packaged", "off"] = env("ADWRIGHT_CONTEXT_EMBEDDINGS", "packaged")
    """What says which texts mean the same; `off`: words alone decide."""
