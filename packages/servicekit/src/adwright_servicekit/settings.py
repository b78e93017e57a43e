"""Typed settings, read once from a passed environ; a wrong value stops the start with one line.

A settings class is a frozen pydantic model whose fields name their variable::

    class Settings(ServerSettings):
        listen: Address = env("ADWRIGHT_CONTEXT_LISTEN", "127.0.0.1:50052")

Every variable `X` may be given as `X_FILE` instead: the path of a file with the value, as secrets are mounted.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator

from .peers import Peers

__all__ = ["Address", "ReadableFile", "ServerSettings", "Settings", "SettingsError", "Target", "TlsSettings", "env"]


_SHORTEST_SECRET = 16


class SettingsError(Exception):
    """A variable has a wrong value. The text is one line that names it and the remedy."""


def _check_address(value: str) -> str:
    host, _, port = value.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:
        raise ValueError("expected HOST:PORT with a port from 0 to 65535, for example 127.0.0.1:50051")
    return value


def _check_target(value: str) -> str:
    if not re.fullmatch(r"(?:(?:dns|ipv4|ipv6|unix):(?://[^/]*/)?)?\S+", value):
        raise ValueError("expected a gRPC target, for example 127.0.0.1:50052 or dns:///context:50052")
    return value


Address = Annotated[str, AfterValidator(_check_address)]
"""`HOST:PORT` to listen on; port 0 lets the system choose."""

Target = Annotated[str, AfterValidator(_check_target)]
"""A gRPC target to connect to."""


def env(variable: str, default: Any = ..., **constraints: Any) -> Any:
    """A field that is read from `variable`; without a default it is required."""
    return Field(default, alias=variable, validate_default=default is not ..., **constraints)


class Settings(BaseModel):
    """Base of all settings: frozen, and built only from a mapping of variables."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    @classmethod
    def load(cls, environ: Mapping[str, str]) -> Self:
        """Reads every field from `environ`. Raises SettingsError."""
        found: dict[str, str] = {}
        for info in cls.model_fields.values():
            variable = info.alias
            if variable is None:
                continue
            if variable in environ:
                found[variable] = environ[variable]
            elif (path := environ.get(f"{variable}_FILE")) is not None:
                found[variable] = _read(f"{variable}_FILE", path)
        try:
            return cls.model_validate(found)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            message = first["msg"].removeprefix("Value error, ")
            if first["type"] == "missing":
                message = "is required and is not set"
            where = f"{first['loc'][0]}: " if first["loc"] else ""
            raise SettingsError(f"{where}{message}") from None


def _read(variable: str, path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "is not UTF-8 text"
        raise SettingsError(f"{variable}: cannot read {path}: {why}") from None


def _check_readable(path: Path) -> Path:
    try:
        path.open("rb").close()
    except OSError as error:
        raise ValueError(f"cannot read {path}: {error.strerror}") from None
    return path


ReadableFile = Annotated[Path, AfterValidator(_check_readable)]
"""Path of a file that can be read now."""


class TlsSettings(Settings):
    """TLS where a certificate is set, mutual TLS where the CA of the callers is set too."""

    tls_cert_file: ReadableFile | None = env("ADWRIGHT_TLS_CERT_FILE", None)
    tls_key_file: ReadableFile | None = env("ADWRIGHT_TLS_KEY_FILE", None)
    tls_client_ca_file: ReadableFile | None = env("ADWRIGHT_TLS_CLIENT_CA_FILE", None)
    """Whoever calls has to show a certificate of this CA."""
    tls_ca_file: ReadableFile | None = env("ADWRIGHT_TLS_CA_FILE", None)
    """The CA that the services which are called show certificates of; by default that of the callers. The public edge
    sets this one alone: it calls by mutual TLS, and asks the world for no certificates."""

    @model_validator(mode="after")
    def _pair(self) -> Self:
        # Half a pair must not quietly mean no TLS at all.
        if (self.tls_cert_file is None) != (self.tls_key_file is None):
            raise ValueError("ADWRIGHT_TLS_CERT_FILE and ADWRIGHT_TLS_KEY_FILE come together: set both or neither")
        return self


def _check_secrets(value: SecretStr | None) -> SecretStr | None:
    if value is not None and any(len(secret) < _SHORTEST_SECRET for secret in _parts(value)):
        raise ValueError(f"expected at least {_SHORTEST_SECRET} characters, the same for all services")
    return value


def _parts(value: SecretStr) -> list[str]:
    return [part.strip() for part in value.get_secret_value().split(",")]


class ServerSettings(TlsSettings):
    """What every server can be told. Durations are in seconds, sizes in bytes."""

    health_listen: Address | None = env("ADWRIGHT_HEALTH_LISTEN", None)
    """Where health, and nothing else, is answered without TLS: Kubernetes' probes speak none."""
    max_request_bytes: int = env("ADWRIGHT_MAX_REQUEST_BYTES", 2 * 1024 * 1024, gt=0)
    max_deadline: float = env("ADWRIGHT_MAX_DEADLINE", 300.0, gt=0)
    max_concurrent_rpcs: int = env("ADWRIGHT_MAX_CONCURRENT_RPCS", 2000, gt=0)
    slow_reader: float = env("ADWRIGHT_SLOW_READER", 30.0, gt=0)
    """So long may the reader of a stream take nothing before it is cut off."""
    max_connection_age: float = env("ADWRIGHT_MAX_CONNECTION_AGE", 600.0, gt=0)
    """After about this, callers connect anew, and so find replicas that were added; running calls are left alone."""
    shutdown_grace: float = env("ADWRIGHT_SHUTDOWN_GRACE", 90.0, ge=0)
    shutdown_delay: float = env("ADWRIGHT_SHUTDOWN_DELAY", 0.0, ge=0)
    """How long to go on taking calls after SIGTERM, while load balancers read NOT_SERVING."""
    service_secret: Annotated[SecretStr | None, AfterValidator(_check_secrets)] = env("ADWRIGHT_SERVICE_SECRET", None)
    """What services show each other, at least 16 characters; several, separated by commas, while one is replaced."""
    log_level: str = env("ADWRIGHT_LOG_LEVEL", "INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$")
    log_format: str = env("ADWRIGHT_LOG_FORMAT", "json", pattern="^(json|plain)$")

    @property
    def peers(self) -> Peers:
        """How the other services are known."""
        return Peers(_parts(self.service_secret) if self.service_secret else ())
