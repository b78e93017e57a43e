"""What the tests of several services need: each store there is.

A module with `ON_EVERY_STORE = True` has its tests run over SQLite and over DynamoDB (moto).
"""

from collections.abc import Iterator
from typing import Any

import pytest


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Over which stores a test runs."""
    if "kind_of_store" in metafunc.fixturenames:
        every = getattr(metafunc.module, "ON_EVERY_STORE", False)
        metafunc.parametrize("kind_of_store", ["sqlite", "dynamodb"] if every else ["sqlite"])


@pytest.fixture(scope="session")
def dynamodb_url() -> Iterator[str]:
    """Where a moto server listens."""
    pytest.importorskip("moto", reason="moto is not installed")
    from packages.docstore.tests.dynamodb_endpoint import moto_server

    with moto_server() as url:
        yield url


@pytest.fixture(scope="session")
def dynamodb_environ(dynamodb_url: str) -> dict[str, str]:
    """The AWS variables that lead there."""
    from packages.docstore.tests.dynamodb_endpoint import MOTO_CREDENTIALS

    return MOTO_CREDENTIALS | {"AWS_ENDPOINT_URL_DYNAMODB": dynamodb_url}


@pytest.fixture(scope="session")
def dynamodb(dynamodb_environ: dict[str, str]) -> Iterator[Any]:
    """A client of it."""
    from packages.docstore.tests.dynamodb_endpoint import new_client

    with pytest.MonkeyPatch.context() as patch:
        for name, value in dynamodb_environ.items():
            patch.setenv(name, value)
        client = new_client()
    yield client
    client.close()
