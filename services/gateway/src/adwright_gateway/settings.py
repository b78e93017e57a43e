"""What the gateway can be told by its environment."""

from pathlib import Path
from typing import Literal

from pydantic import SecretStr

from adwright_servicekit.settings import Address, ServerSettings, Target, env

__all__ = ["Settings"]


class Settings(ServerSettings):
    """The gateway's settings."""

    listen: Address = env("ADWRIGHT_GATEWAY_LISTEN", "127.0.0.1:50051")
    context_target: Target = env("ADWRIGHT_CONTEXT_TARGET", "127.0.0.1:50052")
    generator_target: Target = env("ADWRIGHT_GENERATOR_TARGET", "127.0.0.1:50053")
    evaluator_target: Target = env("ADWRIGHT_EVALUATOR_TARGET", "127.0.0.1:50054")
    store: Literal["sqlite"] = env("ADWRIGHT_GATEWAY_STORE", "sqlite")
    sqlite_path: Path = env("ADWRIGHT_GATEWAY_SQLITE_PATH", Path(".adwright/gateway.db"))
    bootstrap_key: SecretStr | None = env("ADWRIGHT_GATEWAY_BOOTSTRAP_KEY", None, min_length=16)
    """When there is no key yet: creates tenant `demo` with this key and all scopes."""
