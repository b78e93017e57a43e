"""Late commit and mid-stream resume: one answer, whatever becomes of the backends that write it.

Until a backend's first token nothing is decided; after it another one goes on behind the text so far where that is
sound, and starts anew where it is not. Either way the reader is told by a Switch, and by nothing else.
"""

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing

from adwright_servicekit.errors import AdwrightError, InvalidInput

from ..backends.base import (
    Backend,
    BackendBusy,
    BackendEvent,
    BackendFailed,
    BackendInfo,
    BackendMisconfigured,
    BackendRequest,
    BackendStalled,
    BackendUnavailable,
    Chunk,
    Finish,
    Resume,
    StopReason,
    Switch,
)
from .resume import SentText, how_to_resume, is_whole, request_for

__all__ = ["Successor", "failover"]

_log = logging.getLogger(__name__)

_MOST_BYTES = 256 * 1024
"""Of one answer, whatever a model server makes of `max_tokens`."""

Successor = Callable[[AdwrightError], Awaitable[Backend | None]]
"""Who goes on after this error; None: nobody can."""


async def failover(first: Backend, request: BackendRequest, successor: Successor) -> AsyncGenerator[BackendEvent]:
    """The answer of `first`, or of those who come after it. Raises the last error when there is nobody left.

    Errors that are the caller's fault are raised at once.
    """
    backend, current = first, request
    reasons: list[AdwrightError] = []
    sent = SentText()
    while True:
        try:
            async with aclosing(backend.generate(current)) as events:
                async for event in events:
                    if isinstance(event, Chunk):
                        data = sent.take(event.data, event.tokens)
                        if sent.size > _MOST_BYTES:
                            raise BackendFailed(f"backend {backend.info.name} sends far more than it was asked for")
                        yield event if data is event.data else Chunk(data, event.tokens)
                    elif isinstance(event, Finish):
                        if sent.held():
                            yield Chunk(sent.held(), 0)
                        yield event
                        return
                    else:
                        if event.resume is Resume.RESTARTED:
                            sent = SentText()
                        yield event
            raise BackendFailed(f"backend {backend.info.name} ended without a final event")
        except (BackendBusy, BackendFailed, BackendMisconfigured, BackendUnavailable, InvalidInput) as error:
            if isinstance(error, InvalidInput) and not reasons:
                raise
            # What a successor does not take, the first choice took: that is not the caller's fault.
            reasons.append(reasons[-1] if isinstance(error, InvalidInput) else error)
            text = _text(sent)
            if is_whole(request, text):
                # All of it had come, only the end was lost.
                yield Finish(StopReason.STOP)
                return
            target = await successor(error)
            if target is None:
                raise reasons[-1] from None
            resume = how_to_resume(request, text, backend.info, target.info)
            if resume is Resume.RESTARTED and request.prefix:
                # Not ours to restart: who asked for the prefix knows what was before it.
                raise reasons[-1] from None
            _tell(backend.info, target.info, error, resume)
            yield Switch(backend.info.name, target.info.name, _word(error, begun=bool(text)), resume)
            current = request_for(request, text, sent.tokens, resume)
            backend, sent = target, _after(sent, resume)


def _text(sent: SentText) -> str:
    try:
        return sent.text
    except UnicodeDecodeError:
        raise BackendFailed("a backend sent something that is not UTF-8") from None


def _after(sent: SentText, resume: Resume) -> SentText:
    """What the next backend starts from: its own bytes follow the whole code points that were sent."""
    following = SentText()
    if resume is not Resume.RESTARTED:
        following.take(sent.text.encode(), sent.tokens)
    return following


def _word(error: AdwrightError, *, begun: bool) -> str:
    match error:
        case BackendBusy():
            return "overloaded"
        case BackendStalled():
            return "stalled" if begun else "slow_start"
        case BackendUnavailable():
            return "unavailable"
        case _:
            return "failed"


def _tell(source: BackendInfo, target: BackendInfo, error: AdwrightError, resume: Resume) -> None:
    _log.warning(
        "generation moves from %s to %s: %s, %s",
        f"{source.name} {source.endpoint}".strip(),
        f"{target.name} {target.endpoint}".strip(),
        error.reason,
        resume.value,
    )
