"""The generator's configuration file: which backends there are, and in which order they are asked."""

from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from adwright_servicekit.settings import SettingsError

from .backends.base import Backend
from .backends.registry import BackendEntry, build_backend

__all__ = ["GeneratorConfig", "Routing", "build_backends", "load_config"]

_VARIABLE = "ADWRIGHT_GENERATOR_CONFIG"


class Routing(BaseModel):
    """How a backend is chosen."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    order: tuple[str, ...] = ()
    """Names of backends, the first choice first; those not named come last, in the order of `backends`."""


class GeneratorConfig(BaseModel):
    """The whole file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    backends: Annotated[tuple[BackendEntry, ...], Field(min_length=1)]
    routing: Routing = Routing()


_DEFAULT: dict[str, Any] = {"backends": [{"name": "embedded", "kind": "embedded"}]}


def load_config(path: Path | None) -> GeneratorConfig:
    """Reads and checks `path`; without one there is a single embedded backend. Raises SettingsError, in one line."""
    data = _DEFAULT if path is None else _read(path)
    try:
        config = GeneratorConfig.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise SettingsError(f"{_VARIABLE}: {path}: {_where(first['loc'])}: {first['msg']}") from None
    names = [entry.name for entry in config.backends]
    for name in names:
        if names.count(name) > 1:
            raise SettingsError(f"{_VARIABLE}: {path}: backends: the name '{name}' is there twice")
    for name in config.routing.order:
        if name not in names:
            known = ", ".join(names)
            raise SettingsError(f"{_VARIABLE}: {path}: routing.order: there is no backend '{name}'; there are {known}")
    return config


def build_backends(config: GeneratorConfig, embedded_model: Path | None) -> list[Backend]:
    """The backends in routing order, not started."""
    order = list(config.routing.order)
    rank = {name: place for place, name in enumerate(order)}
    entries = sorted(config.backends, key=lambda entry: rank.get(entry.name, len(order)))
    return [build_backend(entry, embedded_model=embedded_model) for entry in entries]


def _read(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"{_VARIABLE}: cannot read {path}: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f" line {mark.line + 1}" if mark else ""
        raise SettingsError(f"{_VARIABLE}: {path}:{line} is not YAML") from None


def _where(location: tuple[int | str, ...]) -> str:
    text = ""
    for place, part in enumerate(location):
        if isinstance(part, str) and place and isinstance(location[place - 1], int):
            # Which kind of backend pydantic tried; the file has no such key.
            continue
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text or "the file"
