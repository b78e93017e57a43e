"""The kinds of backends there are. To add one: a file beside this one, and two lines here."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from .base import Backend
from .embedded import EmbeddedBackend, EmbeddedConfig
from .fake import FakeBackend, FakeConfig

__all__ = ["BackendEntry", "build_backend"]

BackendEntry = Annotated[EmbeddedConfig | FakeConfig, Field(discriminator="kind")]
"""One entry of `backends` in the generator's configuration, told apart by its `kind`."""


def build_backend(entry: BackendEntry, *, embedded_model: Path | None = None) -> Backend:
    """The backend of an entry, not started. `embedded_model` is the GGUF file of entries that name none."""
    match entry:
        case EmbeddedConfig():
            return EmbeddedBackend(entry, default_model=embedded_model)
        case FakeConfig():
            return FakeBackend(entry)
