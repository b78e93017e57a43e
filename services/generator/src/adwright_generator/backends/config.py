"""What the configuration of every kind of backend has in common. The kinds add their own keys beside their backend."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from .base import Price

__all__ = ["BackendConfig", "PriceConfig"]


class PriceConfig(BaseModel):
    """What a backend costs: by the token, or by the hour for hardware of one's own."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    usd_per_mtok_in: Annotated[float, Field(ge=0)] = 0.0
    usd_per_mtok_out: Annotated[float, Field(ge=0)] = 0.0
    usd_per_hour: Annotated[float, Field(ge=0)] = 0.0

    def by_token(self) -> Price:
        """The part that one request can be charged for by itself."""
        return Price(self.usd_per_mtok_in, self.usd_per_mtok_out)


class BackendConfig(BaseModel):
    """One entry of `backends` in the generator's configuration."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$")]
    max_concurrency: Annotated[int, Field(ge=1, le=65_536)] = 1
    residency: Annotated[str, Field(min_length=1, max_length=64)] = "self_hosted"
    price: PriceConfig = PriceConfig()
    prompt: str = ""
    """Name of the prompt that suits the model, `ad-small`; empty: `ad`."""
