"""A small model inside this process: no server, no key, no network. For trying things out, demos and tests.

Buffering: the model does not wait for a slow reader, and need not. A generation is bounded by `max_tokens` and by
its slot's context, so the text nobody has read yet is at most some 16 KB, kept as one piece; a reader that comes
late gets it as one chunk. The slot is free as soon as the model is done, however slow the reader.
"""

import asyncio
import threading
from collections.abc import AsyncGenerator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from adwright_servicekit.errors import AdwrightError, InvalidInput

from ._llama_server import LlamaServer, check_model, grammar_of, packaged_model
from .base import (
    Backend,
    BackendBusy,
    BackendEvent,
    BackendFailed,
    BackendInfo,
    BackendRequest,
    BackendUnavailable,
    Chunk,
    Continuation,
    Finish,
    StopReason,
)
from .config import BackendConfig, Seconds

__all__ = ["EmbeddedBackend", "EmbeddedConfig"]


_PACKAGED_PROMPT = "ad-small"


class EmbeddedConfig(BackendConfig):
    """An entry of kind `embedded`."""

    kind: Literal["embedded"]
    model: str | None = None
    """Path of a GGUF file; without it ADWRIGHT_EMBEDDED_MODEL, or the packaged SmolLM2."""
    max_concurrency: Annotated[int, Field(ge=1, le=64)] = 2
    """Every slot costs 94 MB for 4096 tokens of context with the packaged model."""
    max_waiting: Annotated[int, Field(ge=0)] = 32
    """Requests that may wait for a slot; the next one is refused."""
    context_tokens: Annotated[int, Field(ge=512)] = 4096
    first_token_timeout: Seconds | None = 60.0
    stall_timeout: Seconds | None = 30.0
    """Longer than for servers: it reads a prompt at a few hundred tokens a second, and cannot be lost."""
    threads: Annotated[int, Field(ge=1)] | None = None
    """Cores to use; without it those that the process may use."""


class EmbeddedBackend(Backend):
    """A GGUF model run by llama.cpp in this process. See `Backend` for the contract."""

    def __init__(self, config: EmbeddedConfig, *, default_model: Path | None = None) -> None:
        """`default_model` is the path used when the entry names none; without either, the packaged weights."""
        self._config = config
        self._path = Path(config.model) if config.model else default_model
        self._server: LlamaServer | None = None
        self._free = asyncio.Semaphore(config.max_concurrency)
        self._waiting = 0
        self._running: dict[asyncio.Future[None], _Output] = {}
        self._threads: ThreadPoolExecutor | None = None
        self._info = BackendInfo(
            name=config.name,
            kind="embedded",
            model=self._path.stem if self._path else "SmolLM2-135M-Instruct",
            residency=config.residency,
            max_concurrency=config.max_concurrency,
            constrained_output=True,
            continuation=Continuation.EXACT,
            price=config.price.price(),
            prompt=config.prompt or ("" if self._path else _PACKAGED_PROMPT),
        )

    @property
    def info(self) -> BackendInfo:
        """What is known of it before it is asked."""
        return self._info

    @property
    def ready(self) -> bool:
        """True from the end of `start` until `close`."""
        return self._server is not None

    @property
    def in_flight(self) -> int:
        """Slots in use, without the requests that wait for one."""
        return len(self._running)

    async def start(self) -> None:
        """Loads the model, which takes about half a second. Raises BackendMisconfigured with the remedy."""
        if self._server is None:
            config = self._config
            path = self._path or packaged_model()
            check_model(path)
            self._server = await asyncio.to_thread(
                LlamaServer,
                path,
                slots=config.max_concurrency,
                context_tokens=config.context_tokens,
                threads=config.threads,
            )
            self._threads = ThreadPoolExecutor(config.max_concurrency, f"backend-{config.name}")

    async def close(self) -> None:
        """Ends what is running, which raises BackendUnavailable at its reader, and frees the model."""
        server, self._server = self._server, None
        threads, self._threads = self._threads, None
        if server is None or threads is None:
            return
        for output in self._running.values():
            output.stop()
        if self._running:
            await asyncio.wait(list(self._running))
        threads.shutdown(wait=False)
        await asyncio.to_thread(server.close)

    async def generate(self, request: BackendRequest) -> AsyncGenerator[BackendEvent]:
        """Streams one chat completion.

        Raises InvalidInput with reason PROMPT_TOO_LONG when the prompt does not fit a slot, and BackendBusy when
        `max_waiting` others wait for one already. Output that no longer fits a slot ends with LENGTH.
        """
        output = await self._submit(_body(request), constrained=request.json_schema is not None)
        try:
            async with aclosing(output.events()) as events:
                async for event in events:
                    yield event
        finally:
            output.stop()

    async def _submit(self, body: Mapping[str, Any], *, constrained: bool) -> "_Output":
        if self._free.locked() and self._waiting >= self._config.max_waiting:
            raise BackendBusy(f"Backend {self._info.name} is full; try again.", retry_after=1.0)
        self._waiting += 1
        try:
            await self._free.acquire()
        finally:
            self._waiting -= 1
        server, threads = self._server, self._threads
        if server is None or threads is None:
            self._free.release()
            raise BackendUnavailable(f"Backend {self._info.name} is not running; start it first.")
        loop = asyncio.get_running_loop()
        output = _Output(loop, constrained=constrained)
        done = loop.run_in_executor(threads, _run, server, body, output)
        self._running[done] = output
        done.add_done_callback(self._ended)
        return output

    def _ended(self, done: "asyncio.Future[None]") -> None:
        del self._running[done]
        self._free.release()


class _Output:
    """What a worker thread has generated and the reader has not taken yet."""

    def __init__(self, loop: asyncio.AbstractEventLoop, *, constrained: bool) -> None:
        self._loop = loop
        self._constrained = constrained
        self._lock = threading.Lock()
        self._news = asyncio.Event()
        self._text = bytearray()
        self._tokens = 0
        self._seen_tokens = 0
        self._end: Finish | AdwrightError | None = None
        self._stopped = False

    def stop(self) -> None:
        """Asks the model to stop; it does so after the tokens it is at."""
        self._stopped = True

    async def events(self) -> AsyncGenerator[BackendEvent]:
        """Everything since the last look as one chunk, until the end."""
        while True:
            await self._news.wait()
            with self._lock:
                self._news.clear()
                text, tokens, end = bytes(self._text), self._tokens, self._end
                self._text.clear()
                self._tokens = 0
            if text:
                yield Chunk(text, tokens)
            if isinstance(end, Finish):
                yield end
                return
            if end is not None:
                raise end

    def on_event(self, event: Any) -> bool:
        """The library's callback, in a worker thread: True ends the generation. Must not raise."""
        if self._stopped:
            return True
        if error := event.get("error"):
            return self.end(_error_of(error))
        timings = event.get("timings") or {}
        total = timings.get("predicted_n", self._seen_tokens)
        for choice in event.get("choices") or ():
            text = (choice.get("delta") or {}).get("content") or ""
            if text and self._constrained and not self._seen_tokens and not text.startswith("{"):
                return self.end(BackendFailed("llama.cpp does not support this JSON schema; simplify it."))
            if text:
                self._add(text.encode(), total - self._seen_tokens)
                self._seen_tokens = total
            if reason := choice.get("finish_reason"):
                prompt = timings.get("prompt_n", 0) + timings.get("cache_n", 0)
                stop = StopReason.LENGTH if reason == "length" else StopReason.STOP
                self.end(Finish(stop, input_tokens=prompt, output_tokens=total))
        return False

    def end(self, end: Finish | AdwrightError) -> bool:
        """Sets how the generation ended, unless it ended before. Returns True."""
        with self._lock:
            self._end = self._end or end
        self._wake()
        return True

    def _add(self, text: bytes, tokens: int) -> None:
        with self._lock:
            awake = bool(self._text)
            self._text += text
            self._tokens += tokens
        if not awake:
            self._wake()

    def _wake(self) -> None:
        try:
            self._loop.call_soon_threadsafe(self._news.set)
        except RuntimeError:  # The loop has been closed: nobody reads any more.
            self._stopped = True


def _run(server: LlamaServer, body: Mapping[str, Any], output: _Output) -> None:
    try:
        server.chat(body, output.on_event)
    except Exception as error:  # ValueError and RuntimeError stand for anything in the library.
        output.end(BackendFailed(f"llama.cpp refused the request: {error}"))
    output.end(BackendUnavailable("The embedded model was stopped before the generation ended."))


def _body(request: BackendRequest) -> dict[str, Any]:
    messages = [{"role": m.role, "content": m.content} for m in request.messages]
    if request.prefix:
        if request.json_schema is not None:
            raise BackendFailed("the embedded model cannot go on in the middle of JSON.")
        # llama.cpp goes on with a last turn of the assistant's.
        messages.append({"role": "assistant", "content": request.prefix})
    body: dict[str, Any] = {
        "messages": messages,
        "max_tokens": request.max_tokens,
        "temperature": request.temperature,
        "top_p": request.top_p,
        "stop": list(request.stop),
        "cache_prompt": True,
    }
    if request.seed is not None:
        body["seed"] = request.seed % 2**32
    if request.json_schema is not None:
        if request.json_schema.get("type") != "object":
            raise InvalidInput.of("json_schema", "the embedded model writes JSON objects only.")
        body["grammar"] = grammar_of(request.json_schema)
    return body


def _error_of(error: Mapping[str, Any]) -> AdwrightError:
    if error.get("type") == "exceed_context_size_error":
        return InvalidInput(
            f"The prompt has {error.get('n_prompt_tokens')} tokens and the embedded model has room for"
            f" {error.get('n_ctx')}; shorten it.",
            reason="PROMPT_TOO_LONG",
        )
    return BackendFailed(f"llama.cpp failed: {error.get('message')}")
