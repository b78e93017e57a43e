"""The adwright client: `AsyncClient`, `Client`, and the view that folds a stream of AdEvents into texts.

Names are loaded when they are first used: gRPC and OpenTelemetry take a fifth of a second to import, and
`adwright --help` needs neither.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .catalogue import Brands, Children
    from .client import AsyncClient
    from .evaluations import Evaluations
    from .fold import AdView
    from .generation import Generation
    from .imports import ImportProgress, ImportResult, RowError
    from .lengths import text_length
    from .options import GenerateOptions
    from .settings import ClientSettings
    from .suite_files import suite_source
    from .suites import Suites
    from .sync import Client, SyncGeneration

__all__ = [
    "AdView",
    "AsyncClient",
    "Brands",
    "Children",
    "Client",
    "ClientSettings",
    "Evaluations",
    "GenerateOptions",
    "Generation",
    "ImportProgress",
    "ImportResult",
    "RowError",
    "Suites",
    "SyncGeneration",
    "__version__",
    "suite_source",
    "text_length",
]

__version__ = "0.1.0"

_HOMES = {
    "AdView": "fold",
    "AsyncClient": "client",
    "Brands": "catalogue",
    "Children": "catalogue",
    "Client": "sync",
    "ClientSettings": "settings",
    "Evaluations": "evaluations",
    "GenerateOptions": "options",
    "Generation": "generation",
    "ImportProgress": "imports",
    "ImportResult": "imports",
    "RowError": "imports",
    "Suites": "suites",
    "SyncGeneration": "sync",
    "suite_source": "suite_files",
    "text_length": "lengths",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted(__all__)
