"""The numbers of `inputs.yaml`, each with where it comes from."""

import sys
from dataclasses import dataclass, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Self

import yaml

__all__ = ["Inputs", "InputsError"]

_FILE = Path(__file__).parent / "inputs.yaml"


class InputsError(Exception):
    """A file says something that cannot be simulated. One line that names the place and the remedy."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """Units and sources stand in the file."""

    prompt_tokens: float
    output_tokens: float
    weights_read: float
    token_work: float
    waiting_served_ratio: float
    max_waiting_tokens: float
    prefill_tokens: float
    node_start: float
    gpu_ready: float
    image_pull: float
    model_load: float
    api_first_token: float
    api_token_rate: float
    hpa_sync: float
    tolerance: float

    @classmethod
    def load(cls, path: Path = _FILE) -> Self:
        """Raises InputsError: a number that is missing, not positive, or without source and date or assumption."""
        said = _read(path)
        names = [field.name for field in fields(cls)]
        # What is misspelt is both, and its own line says it best.
        if unknown := [str(name) for name in said if name not in names]:
            near = get_close_matches(unknown[0], [name for name in names if name not in said], 1)
            remedy = f"did you mean {near[0]}?" if near else f"there are {', '.join(names)}"
            raise InputsError(f"{path}: {unknown[0]}: is not known; {remedy}")
        if missing := [name for name in names if name not in said]:
            raise InputsError(
                f"{path}: {', '.join(missing)}: missing; take what is not yours from {_FILE.name} beside the code"
            )
        return cls(**{name: _value(path, name, said[name]) for name in names})


def _read(path: Path) -> dict[Any, Any]:
    try:
        said = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InputsError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from None
    except yaml.YAMLError as error:
        raise InputsError(f"{path}: is not YAML: {' '.join(str(error).split())}") from None
    if not isinstance(said, dict):
        raise InputsError(f"{path}: expected a mapping of names to numbers, as deploy/autoscaling/{_FILE.name} has it")
    return said


def _value(file: Path, name: str, entry: Any) -> float:
    if not isinstance(entry, dict):
        raise InputsError(f"{file}: {name}: expected `value`, and where it comes from, below it")
    value = entry.get("value")
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= sys.float_info.max:
        raise InputsError(f"{file}: {name}: expected `value`, a finite number above 0, not {value}")
    if "assumption" not in entry and not ("source" in entry and "date" in entry):
        raise InputsError(f"{file}: {name}: say where it comes from, by `source` and `date` or by `assumption`")
    return float(value)
