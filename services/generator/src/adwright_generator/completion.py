"""Answers to conversations as they are: for judges, and for prompts that are compared."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from adwright.generator.v1 import generator_service_pb2 as pb
from adwright_checks import BrandRules
from adwright_servicekit.call import Call
from adwright_servicekit.errors import InvalidInput

from .backends.accounting import Account
from .backends.base import BackendRequest, Finish, Message, Resume, StopReason, Switch
from .convert import PRIORITIES, Formats
from .job import Job
from .policy.dispatcher import Dispatcher
from .policy.waiting import Priority

__all__ = ["Completed", "Completions", "request_from"]

_PLAIN = "formats/plain"
_MAX_TOKENS = 1024
_ROLES: Mapping[int, Any] = {
    pb.ChatMessage.ROLE_SYSTEM: "system",
    pb.ChatMessage.ROLE_USER: "user",
    pb.ChatMessage.ROLE_ASSISTANT: "assistant",
}


@dataclass(frozen=True, slots=True)
class Completed:
    """An answer."""

    text: str
    reason: StopReason
    usage: Account
    backend: str
    model: str
    queued: float
    """Seconds."""
    duration: float
    """Seconds."""


class Completions:
    """Has conversations answered by the backends that a dispatcher hands out."""

    def __init__(self, dispatcher: Dispatcher, formats: Formats, *, now: Callable[[], float] = time.monotonic) -> None:
        self._dispatcher = dispatcher
        self._format = formats.get(_PLAIN)
        self._now = now

    async def complete(self, asked: pb.CompleteTextRequest, call: Call | None) -> Completed:
        """The whole answer. Raises InvalidInput, and what backends and dispatcher raise."""
        request = request_from(asked)
        begun = self._now()
        async with self._dispatcher.admit(self._job(asked, call)) as lease, lease.seat() as seat:
            queued = self._now() - begun
            said, reason = bytearray(), StopReason.STOP
            async with aclosing(seat.generate(request)) as events:
                async for event in events:
                    if isinstance(event, Switch):
                        if event.resume is Resume.RESTARTED:
                            said.clear()
                    elif isinstance(event, Finish):
                        reason = event.reason
                    else:
                        said += event.data
            info = seat.info
        # A token limit may end inside of a character.
        text = said.decode("utf-8", "ignore" if reason is StopReason.LENGTH else "replace")
        return Completed(text, reason, request.account, info.name, info.model, queued, self._now() - begun - queued)

    def _job(self, asked: pb.CompleteTextRequest, call: Call | None) -> Job:
        """As far as the dispatcher looks at it."""
        return Job(
            generation="",
            format=self._format,
            counts={},
            language="",
            brand=BrandRules(""),
            backend=asked.backend,
            residencies=frozenset(asked.residencies),
            adapter=asked.adapter,
            tenant=call.identity.tenant if call and call.identity else "",
            priority=PRIORITIES.get(asked.priority, Priority.INTERACTIVE),
            deadline=call.deadline if call else None,
        )


def request_from(asked: pb.CompleteTextRequest) -> BackendRequest:
    """What a backend is asked. Raises InvalidInput."""
    defaults = BackendRequest((), _MAX_TOKENS)
    return BackendRequest(
        messages=tuple(Message(_ROLES[each.role], each.content) for each in asked.messages),
        max_tokens=asked.max_tokens or _MAX_TOKENS,
        temperature=asked.temperature if asked.HasField("temperature") else defaults.temperature,
        top_p=asked.top_p if asked.HasField("top_p") else defaults.top_p,
        seed=asked.seed if asked.HasField("seed") else None,
        stop=tuple(asked.stop),
        json_schema=_schema(asked.json_schema) if asked.json_schema else None,
        adapter=asked.adapter,
    )


def _schema(text: str) -> Mapping[str, Any]:
    try:
        schema = json.loads(text)
    except ValueError as error:
        raise InvalidInput.of("json_schema", f"is not JSON: {error}", reason="SCHEMA_INVALID") from None
    if not isinstance(schema, dict) or schema.get("type") != "object":
        raise InvalidInput.of("json_schema", 'must be a schema with "type": "object"', reason="SCHEMA_INVALID")
    return schema
