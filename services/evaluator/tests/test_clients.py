"""What the evaluator asks of others, who may be full for a while."""

from functools import partial
from typing import Any

import pytest

from adwright.generator.v1 import generator_service_pb2 as pb
from adwright.generator.v1 import generator_service_pb2_grpc
from adwright_evaluator.clients import Clients
from adwright_servicekit.channel import open_channel
from adwright_servicekit.errors import ResourceExhausted
from adwright_servicekit.telemetry import Telemetry
from adwright_servicekit.testing import served


class Full(generator_service_pb2_grpc.GeneratorServiceServicer):
    """A generator that refuses the first calls, and says when to come back."""

    def __init__(self, refusals: int, retry_after: float | None) -> None:
        self.asked = 0
        self._refusals = refusals
        self._retry_after = retry_after

    async def CompleteText(self, request: pb.CompleteTextRequest, context: Any) -> pb.CompleteTextResponse:
        self.asked += 1
        if self.asked <= self._refusals:
            raise ResourceExhausted("all are busy", reason="BACKENDS_BUSY", retry_after=self._retry_after)
        return pb.CompleteTextResponse(text="Light.")


async def complete(generator: Full) -> tuple[str, float]:
    register = partial(generator_service_pb2_grpc.add_GeneratorServiceServicer_to_server, generator)
    async with served(register, []) as server, open_channel(server.address, Telemetry("test")) as channel:
        answer, seconds = await Clients(channel, channel).complete("demo", [{"role": "user", "content": "Say it."}])
        return answer.text, seconds


async def test_who_is_full_is_asked_again_when_it_says_so() -> None:
    generator = Full(2, 0.01)
    assert (await complete(generator))[0] == "Light."
    assert generator.asked == 3


async def test_the_wait_for_who_is_full_is_no_latency_of_the_answer() -> None:
    _, seconds = await complete(Full(1, 2.0))
    assert seconds < 2.0


@pytest.mark.parametrize("retry_after", [None, 3600.0], ids=["who-does-not-say-when", "until-tomorrow"])
async def test_a_limit_that_does_not_pass_soon_is_told_at_once(retry_after: float | None) -> None:
    generator = Full(1, retry_after)
    with pytest.raises(ResourceExhausted, match="all are busy"):
        await complete(generator)
    assert generator.asked == 1
