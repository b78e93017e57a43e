"""The generator's configuration file: which backends there are, and how one is chosen.

Keys and defaults are a contract; a mistake is told in one line with the number of the line in the file.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from adwright_servicekit.settings import SettingsError

from .backends.config import Seconds
from .backends.registry import BackendEntry
from .config_lines import LocatedYaml, YamlMistake, read_yaml

__all__ = [
    "BreakerConfig",
    "ConfigChanges",
    "GeneratorConfig",
    "QueueConfig",
    "Routing",
    "changes",
    "load_config",
]

_VARIABLE = "ADWRIGHT_GENERATOR_CONFIG"
_MAX_BYTES = 1024 * 1024


class QueueConfig(BaseModel):
    """What becomes of requests while no backend is free."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_waiting: Annotated[int, Field(ge=0, le=100_000)] = 256
    """Requests that may wait; the next one is refused."""
    max_wait: Seconds = 10.0


class BreakerConfig(BaseModel):
    """When a backend that fails is left alone, and for how long."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    failures: Annotated[int, Field(ge=1)] = 5
    window: Seconds = 10.0
    """So many failures within so many seconds open the breaker."""
    open_for: Seconds = 15.0


class Routing(BaseModel):
    """How a backend is chosen, and when it is given up for another."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    order: tuple[str, ...] = ()
    """Names of backends, the first choice first; those not named come last, in the order of `backends`."""
    max_predicted_wait: Seconds = 2.0
    """A backend where a request would wait longer is passed over while there is another."""
    first_token_timeout: Seconds = 5.0
    stall_timeout: Seconds = 5.0
    """Longest time between two tokens."""
    queue: QueueConfig = QueueConfig()
    breaker: BreakerConfig = BreakerConfig()


class GeneratorConfig(BaseModel):
    """The whole file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    backends: Annotated[tuple[BackendEntry, ...], Field(min_length=1)]
    routing: Routing = Routing()


@dataclass(frozen=True, slots=True)
class ConfigChanges:
    """What a new configuration does to the backends, by name. Routing is not part of it."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]
    unchanged: tuple[str, ...]


def load_config(path: Path | None) -> GeneratorConfig:
    """Reads and checks `path`; without one there is a single embedded backend.

    Raises SettingsError with the mistake that comes first in the file, in one line.
    """
    if path is None:
        return GeneratorConfig.model_validate({"backends": [{"name": "embedded", "kind": "embedded"}]})
    text = _read(path)
    try:
        return _parse(text)
    except YamlMistake as mistake:
        raise SettingsError(f"{_VARIABLE}: {path}:{mistake.line}: {mistake.message}") from None


def changes(old: GeneratorConfig, new: GeneratorConfig) -> ConfigChanges:
    """Which backends a reload would start, end, replace and leave alone; in the order of the files."""
    before = {entry.name: entry for entry in old.backends}
    after = {entry.name: entry for entry in new.backends}
    return ConfigChanges(
        added=tuple(name for name in after if name not in before),
        removed=tuple(name for name in before if name not in after),
        changed=tuple(name for name in after if name in before and after[name] != before[name]),
        unchanged=tuple(name for name in after if name in before and after[name] == before[name]),
    )


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise SettingsError(f"{_VARIABLE}: cannot read {path}: {error.strerror}") from None
    if len(data) > _MAX_BYTES:
        raise SettingsError(f"{_VARIABLE}: {path}: the file is larger than {_MAX_BYTES} bytes")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise SettingsError(f"{_VARIABLE}: {path}:{line}: is not UTF-8 text") from None


def _parse(text: str) -> GeneratorConfig:
    document = read_yaml(text)
    if document.data is None:
        raise YamlMistake(1, "the file: is empty; name at least one backend under `backends`")
    try:
        config = GeneratorConfig.model_validate(document.data)
    except ValidationError as error:
        raise document.mistake(error) from None
    _check_names(config, document)
    return config


def _check_names(config: GeneratorConfig, document: LocatedYaml) -> None:
    names: list[str] = []
    for place, entry in enumerate(config.backends):
        if entry.name in names:
            where = f"backends[{place}].name: "
            raise YamlMistake(document.line("backends", place, "name"), f"{where}'{entry.name}' is there twice")
        names.append(entry.name)
    for place, name in enumerate(config.routing.order):
        line = document.line("routing", "order", place)
        if name not in names:
            shown = name if name.isprintable() and len(name) < 64 else "of that name"
            raise YamlMistake(
                line, f"routing.order[{place}]: there is no backend '{shown}'; there are {', '.join(names)}"
            )
        if name in config.routing.order[:place]:
            raise YamlMistake(line, f"routing.order[{place}]: '{name}' is there twice")
