"""What the configuration of every kind of backend has in common. The kinds add their own keys beside their backend."""

import re
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from .base import Price

__all__ = ["BackendConfig", "PriceConfig", "Seconds"]

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h)")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def _seconds(value: Any) -> Any:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    match = _DURATION.fullmatch(str(value).strip())
    if match is None:
        raise ValueError("expected a duration such as 500ms, 2s or 5m")
    return float(match[1]) * _UNITS[match[2]]


Seconds = Annotated[float, BeforeValidator(_seconds), Field(gt=0, le=86_400)]
"""A duration: `500ms`, `2s`, `5m`, `1h`, or a number of seconds. Above zero, at most a day."""


class PriceConfig(BaseModel):
    """What a backend costs: by the token, or by the hour for hardware of one's own."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    usd_per_mtok_in: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    usd_per_mtok_out: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    usd_per_hour: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    """Of one replica; generations share the time in which it works for them."""

    def price(self) -> Price:
        """The same, for the domain."""
        return Price(self.usd_per_mtok_in, self.usd_per_mtok_out, self.usd_per_hour)


class BackendConfig(BaseModel):
    """One entry of `backends` in the generator's configuration."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$")]
    max_concurrency: Annotated[int, Field(ge=1, le=65_536)] = 1
    residency: Annotated[str, Field(min_length=1, max_length=64)] = "self_hosted"
    price: PriceConfig = PriceConfig()
    prompt: str = ""
    """Name of the prompt that suits the model, `ad-small`; empty: `ad`."""
    first_token_timeout: Seconds | None = None
    """Replaces that of `routing` for this backend."""
    stall_timeout: Seconds | None = None
    """Replaces that of `routing` for this backend."""
