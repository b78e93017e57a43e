"""What the gateway can be told by its environment."""

import re
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, SecretStr, model_validator

from adwright_resources.stores import StorePlace
from adwright_servicekit.settings import Address, ServerSettings, Target, env
from adwright_servicekit.settings import Settings as BaseSettings

from .oidc import OidcConfig

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


_LOOPBACK = re.compile(r"http://(127\.0\.0\.1|localhost|\[::1\])(:[0-9]+)?(/.*)?")


def _provider(url: str) -> str:
    if url and not (url.startswith("https://") or _LOOPBACK.fullmatch(url)):
        raise ValueError("expected an address that begins with https://")
    return url


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
    max_streams: int = env("ADWRIGHT_GATEWAY_MAX_STREAMS", 1500, ge=1)
    """Generations at a time; batch work may fill three quarters of them."""
    history_days: int = env("ADWRIGHT_GATEWAY_HISTORY_DAYS", 30, ge=0, le=3650)
    """How long generations are kept; 0: not at all."""
    oidc_issuer: Annotated[str, AfterValidator(_provider)] = env("ADWRIGHT_GATEWAY_OIDC_ISSUER", "")
    """Whose tokens are taken besides API keys; empty: nobody's."""
    oidc_audience: str = env("ADWRIGHT_GATEWAY_OIDC_AUDIENCE", "")
    oidc_tenant_claim: str = env("ADWRIGHT_GATEWAY_OIDC_TENANT_CLAIM", "tenant", min_length=1)
    oidc_scope_claim: str = env("ADWRIGHT_GATEWAY_OIDC_SCOPE_CLAIM", "scope", min_length=1)
    oidc_jwks_url: Annotated[str, AfterValidator(_provider)] = env("ADWRIGHT_GATEWAY_OIDC_JWKS_URL", "")
    """Empty: as the issuer's discovery document says."""
    bootstrap_key: SecretStr | None = env("ADWRIGHT_GATEWAY_BOOTSTRAP_KEY", None, min_length=16)
    """When there is no key yet: creates tenant `demo` with this key and all scopes."""

    @model_validator(mode="after")
    def _audience(self) -> Self:
        # Tokens made for others must not open.
        if self.oidc_issuer and not self.oidc_audience:
            raise ValueError("ADWRIGHT_GATEWAY_OIDC_AUDIENCE is required where ADWRIGHT_GATEWAY_OIDC_ISSUER is set")
        return self

    @property
    def oidc(self) -> OidcConfig | None:
        """Whose tokens are taken."""
        if not self.oidc_issuer:
            return None
        return OidcConfig(
            self.oidc_issuer, self.oidc_audience, self.oidc_tenant_claim, self.oidc_scope_claim, self.oidc_jwks_url
        )
