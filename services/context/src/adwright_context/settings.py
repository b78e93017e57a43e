"""What the context service can be told by the environment."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from adwright_servicekit.settings import Address, ServerSettings, Settings, env

__all__ = ["ContextSettings", "StoreSettings"]


class StoreSettings(Settings):
    """Where resources are kept."""

    store: Literal["sqlite", "dynamodb"] = env("ADWRIGHT_CONTEXT_STORE", "sqlite")
    sqlite_path: Path = env("ADWRIGHT_CONTEXT_SQLITE_PATH", "./.adwright/context.db")


class ContextSettings(StoreSettings, ServerSettings):
    """The service itself."""

    listen: Address = env("ADWRIGHT_CONTEXT_LISTEN", "127.0.0.1:50052")
