"""What the gateway can be told by its environment."""

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, SecretStr

from adwright_resources.stores import StorePlace
from adwright_servicekit.settings import Address, ServerSettings, Target, env
from adwright_servicekit.settings import Settings as BaseSettings

__all__ = ["Settings", "StoreSettings"]


_ORIGIN = re.compile(r"\*|https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?")


def _origins(given: object) -> object:
    if not isinstance(given, str):
        return given
    origins = tuple(part.strip() for part in given.split(",") if part.strip())
    for origin in origins:
        if _ORIGIN.fullmatch(origin) is None:
            raise ValueError(f"'{origin}' is not an origin such as https://studio.example.com")
    return origins


class StoreSettings(BaseSettings):
    """Where keys, generations and ledgers are kept."""

    store: Literal["sqlite", "dynamodb"] = env("ADWRIGHT_GATEWAY_STORE", "sqlite")
    sqlite_path: Path = env("ADWRIGHT_GATEWAY_SQLITE_PATH", Path(".adwright/gateway.db"))
    dynamodb_table: str = env("ADWRIGHT_GATEWAY_DYNAMODB_TABLE", "adwright-gateway", pattern=r"^[A-Za-z0-9_.-]{3,255}$")

    @property
    def place(self) -> StorePlace:
        """What is to be opened."""
        return StorePlace("GATEWAY", self.store, self.sqlite_path, self.dynamodb_table)


class Settings(StoreSettings, ServerSettings):
    """The gateway's settings."""

    listen: Address = env("ADWRIGHT_GATEWAY_LISTEN", "127.0.0.1:50051")
    http_listen: Address = env("ADWRIGHT_GATEWAY_HTTP_LISTEN", "127.0.0.1:8080")
    cors_origins: Annotated[tuple[str, ...], BeforeValidator(_origins)] = env("ADWRIGHT_GATEWAY_CORS_ORIGINS", ())
    """Origins whose pages may call over HTTP, separated by commas: `https://studio.example.com`."""
    context_target: Target = env("ADWRIGHT_CONTEXT_TARGET", "127.0.0.1:50052")
    generator_target: Target = env("ADWRIGHT_GENERATOR_TARGET", "127.0.0.1:50053")
    evaluator_target: Target = env("ADWRIGHT_EVALUATOR_TARGET", "127.0.0.1:50054")
    history_days: int = env("ADWRIGHT_GATEWAY_HISTORY_DAYS", 30, ge=0, le=3650)
    """How long generations are kept; 0: not at all."""
    bootstrap_key: SecretStr | None = env("ADWRIGHT_GATEWAY_BOOTSTRAP_KEY", None, min_length=16)
    """When there is no key yet: creates tenant `demo` with this key and all scopes."""
