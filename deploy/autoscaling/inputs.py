"""The numbers of `inputs.yaml`, each with where it comes from."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
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
        said: Any = yaml.safe_load(path.read_text())
        names = [field.name for field in fields(cls)]
        if not isinstance(said, dict) or set(said) != set(names):
            wrong = sorted(set(said or ()) ^ set(names))
            raise InputsError(f"{path.name}: {wrong[0] if wrong else 'expected a mapping'}: missing, or not known")
        return cls(**{name: _value(path.name, name, said[name]) for name in names})


def _value(file: str, name: str, entry: Mapping[str, Any]) -> float:
    value = entry.get("value")
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        raise InputsError(f"{file}: {name}: expected `value` above 0")
    if "assumption" not in entry and not ("source" in entry and "date" in entry):
        raise InputsError(f"{file}: {name}: say where it comes from, by `source` and `date` or by `assumption`")
    return float(value)
