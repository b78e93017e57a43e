"""The kinds of backends there are. To add one: a file beside this one, and two lines here."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated

from pydantic import Field

from ..policy.replicas import ReplicaSet
from .base import Backend
from .chat_template import load_chat_template
from .discovery import Endpoint, discover
from .embedded import EmbeddedBackend, EmbeddedConfig
from .fake import FakeBackend, FakeConfig
from .openai import OpenAIBackend, OpenAIConfig
from .tgi import TgiConfig, TgiReplica

__all__ = ["BackendEntry", "build_backend"]

BackendEntry = Annotated[TgiConfig | OpenAIConfig | EmbeddedConfig | FakeConfig, Field(discriminator="kind")]
"""One entry of `backends` in the generator's configuration, told apart by its `kind`."""

Wrap = Callable[[Backend], Backend]


def build_backend(entry: BackendEntry, *, wrap: Wrap, embedded_model: Path | None = None) -> Backend:
    """The backend of an entry, not started; `wrap` is put around it, or around each replica where there are several.

    `embedded_model` is the GGUF file of entries that name none. Raises BackendMisconfigured.
    """
    match entry:
        case EmbeddedConfig():
            return wrap(EmbeddedBackend(entry, default_model=embedded_model))
        case FakeConfig():
            return wrap(FakeBackend(entry))
        case OpenAIConfig():
            return wrap(OpenAIBackend(entry))
        case TgiConfig():
            template = load_chat_template(entry.chat_template)

            # What is known of each replica is known of all.
            nowhere = TgiReplica(entry, Endpoint("", "", 0), template=template)

            def replica(endpoint: Endpoint) -> Backend:
                return wrap(TgiReplica(entry, endpoint, template=template))

            return ReplicaSet(nowhere.info, partial(discover, entry.url_list), replica)
