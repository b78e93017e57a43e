"""API keys of model servers: from the environment, a file, or AWS Secrets Manager, and replaced while serving.

A key never appears in a repr, a log record or an error.
"""

import asyncio
import logging
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Protocol

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ._aws_secrets import SecretsManager
from .base import BackendMisconfigured, BackendUnavailable

__all__ = ["ApiKey", "KeyConfig"]

_log = logging.getLogger(__name__)

_FETCH_INTERVAL = 1.0
"""Seconds between the begins of two fetches: a key that is refused again and again must not become a flood."""


class KeyConfig(BaseModel):
    """Where a key is: exactly one of the three."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    secret: Annotated[str, Field(min_length=1, max_length=512)] | None = None
    """Name or ARN of a secret in AWS Secrets Manager."""
    env: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] | None = None
    """Name of an environment variable."""
    file: Path | None = None
    """Path of a file that holds nothing else, such as a mounted Kubernetes secret. Read again when it changes."""

    @model_validator(mode="after")
    def _exactly_one(self) -> "KeyConfig":
        if sum(place is not None for place in (self.secret, self.env, self.file)) != 1:
            raise ValueError("name exactly one of `secret`, `env` and `file`")
        return self


class _Source(Protocol):
    slow: bool
    """True when `load` may block for long, so that it runs in a thread, and nobody waits where an old key will do."""

    def load(self) -> str: ...

    def due(self, age: float) -> bool:
        """Whether a key fetched `age` seconds ago should be fetched again."""
        ...


class _Variable:
    slow = False

    def __init__(self, name: str, environ: Mapping[str, str]) -> None:
        self._name, self._environ = name, environ

    def load(self) -> str:
        if self._name not in self._environ:
            raise BackendMisconfigured(f"The environment variable {self._name} is not set; set it to the API key.")
        return _clean(self._environ[self._name], f"environment variable {self._name}")

    def due(self, age: float) -> bool:
        return False


class _File:
    slow = False

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int] | None = None

    def load(self) -> str:
        try:
            # Kept even where reading fails: what cannot be read is read again when it changes, not at every request.
            self._seen = self._version()
            text = self._path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            why = getattr(error, "strerror", None) or "it is not text"
            raise BackendMisconfigured(
                f"The API key file {self._path} cannot be read ({why}); write the key there, or name another file."
            ) from None
        return _clean(text, f"file {self._path}")

    def due(self, age: float) -> bool:
        try:
            return self._version() != self._seen
        except OSError:  # It is being replaced, or gone; a key that the server refuses brings that to light.
            return False

    def _version(self) -> tuple[int, int]:
        status = self._path.stat()
        return status.st_mtime_ns, status.st_ino


class _Secret:
    slow = True

    def __init__(self, name: str, ttl: float) -> None:
        self._name, self._ttl = name, ttl
        self._manager = SecretsManager(name, fields=(name, "openai_api_key", "api_key"))

    def load(self) -> str:
        return _clean(self._manager.load(), f"secret {self._name}")

    def due(self, age: float) -> bool:
        return age >= self._ttl


class ApiKey:
    """One key, as it is now."""

    def __init__(
        self,
        config: KeyConfig,
        *,
        environ: Mapping[str, str] = os.environ,
        ttl: float = 300.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """A secret older than `ttl` seconds is fetched again, while the old one goes on being used."""
        self._source: _Source
        if config.env is not None:
            self._source = _Variable(config.env, environ)
        elif config.file is not None:
            self._source = _File(config.file)
        else:
            self._source = _Secret(str(config.secret), ttl)
        self._clock = clock
        self._key: str | None = None
        self._failure: BackendMisconfigured | BackendUnavailable | None = None
        self._begun: float | None = None
        self._fetched = 0.0
        self._fetching: asyncio.Task[None] | None = None

    async def get(self) -> str:
        """The key.

        Raises BackendMisconfigured with the remedy where there is none, and BackendUnavailable where the store of
        secrets does not answer; neither once there was a key.
        """
        if self._key is None:
            await self._fetch()
        elif self._source.due(self._clock() - self._fetched):
            if self._source.slow:
                self._begin()
            else:
                self._load_now()
        return self._current()

    async def refresh(self, rejected: str) -> str:
        """The key to use after the server refused `rejected`; the same one if there is no other."""
        if self._key is None or self._key == rejected:
            await self._fetch()
        return self._current()

    async def close(self) -> None:
        """Waits for a fetch that is under way, some seconds at most."""
        if self._fetching is not None:
            await asyncio.wait([self._fetching])

    def _current(self) -> str:
        if self._key is not None:
            return self._key
        assert self._failure is not None, "a fetch gives a key or a failure"
        raise self._failure.with_traceback(None)

    async def _fetch(self) -> None:
        if self._source.slow:
            task = self._begin()
            if task is not None:
                # Others may wait for the same fetch: one who leaves must not end it.
                await asyncio.shield(task)
        elif not self._too_soon():
            self._load_now()

    def _too_soon(self) -> bool:
        now = self._clock()
        if self._begun is not None and now - self._begun < _FETCH_INTERVAL:
            return True
        self._begun = now
        return False

    def _begin(self) -> "asyncio.Task[None] | None":
        if self._fetching is None and not self._too_soon():
            self._fetching = asyncio.create_task(self._load_in_thread(), name="fetch-api-key")
        return self._fetching

    async def _load_in_thread(self) -> None:
        try:
            self._took(await asyncio.to_thread(self._source.load))
        except (BackendMisconfigured, BackendUnavailable) as error:
            self._failed(error)
        except Exception as error:  # Whoever waits needs an answer, and a background task has nobody to tell.
            self._failed(BackendUnavailable(f"An API key cannot be fetched ({type(error).__name__}); try again."))
        finally:
            self._fetching = None

    def _load_now(self) -> None:
        try:
            self._took(self._source.load())
        except (BackendMisconfigured, BackendUnavailable) as error:
            self._failed(error)

    def _took(self, key: str) -> None:
        self._key, self._failure, self._fetched = key, None, self._clock()

    def _failed(self, error: BackendMisconfigured | BackendUnavailable) -> None:
        self._failure = error
        if self._key is not None:
            _log.warning("An API key cannot be fetched again and the old one stays in use: %s", error.message)


def _clean(text: str, place: str) -> str:
    key = text.strip()
    if not key:
        raise BackendMisconfigured(f"The {place} holds no API key; write the key there.")
    if not key.isascii() or not key.isprintable() or " " in key:
        raise BackendMisconfigured(
            f"The {place} holds more than an API key, which is one word of ASCII characters; write the key alone there."
        )
    return key
