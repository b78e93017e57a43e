"""A running evaluator, reached as its callers reach it."""

from collections.abc import AsyncIterator
from functools import partial
from typing import TYPE_CHECKING

import grpc
import pytest

from adwright.evaluator.v1.evaluator_service_pb2_grpc import (
    EvaluatorServiceStub,
    add_EvaluatorServiceServicer_to_server,
)
from adwright_evaluator.app import SERVICE, build_servicer
from adwright_evaluator.pool import ScoringPool
from adwright_servicekit.testing import serving

if TYPE_CHECKING:
    # Exists in the type stubs alone.
    from adwright.evaluator.v1.evaluator_service_pb2_grpc import EvaluatorServiceAsyncStub


@pytest.fixture
async def channel() -> AsyncIterator[grpc.aio.Channel]:
    """A channel to an evaluator on a free loopback port."""
    with ScoringPool(workers=2, max_waiting=16) as pool:
        register = partial(add_EvaluatorServiceServicer_to_server, build_servicer(pool))
        async with serving(register, [SERVICE]) as channel:
            yield channel


@pytest.fixture
def evaluator(channel: grpc.aio.Channel) -> "EvaluatorServiceAsyncStub":
    """A stub of the evaluator."""
    return EvaluatorServiceStub(channel)
