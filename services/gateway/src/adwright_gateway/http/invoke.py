"""A served method called from within: the same handler, the same rules, the same surroundings as over gRPC."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any

from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from adwright_servicekit.call import current_call
from adwright_servicekit.scope import CallScope, Metadata
from adwright_servicekit.validation import validate

from ..methods import Methods, full_name

__all__ = ["Invoker", "messages_of"]


def messages_of(method: MethodDescriptor) -> tuple[type[Message], type[Message]]:
    """The classes of its request and of its response."""
    return GetMessageClass(method.input_type), GetMessageClass(method.output_type)


class Invoker:
    """Calls methods. Its methods raise AdwrightError, and nothing else but a cancellation."""

    def __init__(self, methods: Methods, scope: CallScope) -> None:
        self.methods = methods
        self._scope = scope

    async def unary(self, method: MethodDescriptor, request: Message, metadata: Metadata) -> Message:
        """The response."""
        handler: Any = self.methods.handler(method)
        async with self._scope.around(full_name(method), metadata, None):
            response = await handler.unary_unary(_prepared(handler, request), None)
            if isinstance(response, bytes):
                response = messages_of(method)[1].FromString(response)
            answer: Message = response
            return answer

    async def upload(self, method: MethodDescriptor, requests: AsyncIterator[Message], metadata: Metadata) -> Message:
        """The response to a stream of requests, for a method that is forwarded."""
        handler: Any = self.methods.handler(method)
        async with self._scope.around(full_name(method), metadata, None):
            response = await handler.stream_unary(_encoded(requests), None)
            return messages_of(method)[1].FromString(response)

    async def stream(
        self, method: MethodDescriptor, request: Message, metadata: Metadata, headers: dict[str, str] | None = None
    ) -> AsyncGenerator[bytes]:
        """The encoded responses. To be read to its end, or closed, by the task that began to.

        With the first one, `headers` has what the answer has to say besides.
        """
        handler: Any = self.methods.handler(method)
        async with (
            self._scope.around(full_name(method), metadata, None),
            aclosing(handler.unary_stream(_prepared(handler, request), None)) as responses,
        ):
            call = current_call()
            async for response in responses:
                if headers is not None and call is not None:
                    headers.update(call.headers)
                    headers = None
                yield response if isinstance(response, bytes) else response.SerializeToString()

    async def tenant(self, method: MethodDescriptor, metadata: Metadata) -> str:
        """Who calls."""
        return (await self._scope.identify(full_name(method), metadata)).tenant


async def _encoded(requests: AsyncIterator[Message]) -> AsyncIterator[bytes]:
    async for request in requests:
        yield request.SerializeToString()


def _prepared(handler: Any, request: Message) -> Message | bytes:
    """As the handler wants it: what is forwarded goes on as bytes, and is held to the rules where it arrives."""
    if handler.request_deserializer is None:
        return request.SerializeToString()
    validate(request)
    return request
