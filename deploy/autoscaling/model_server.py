"""A model server with continuous batching, as text-generation-inference runs its batch.

It takes turns: prompts of those who wait are read, up to so many tokens at a time; then everybody in the batch gets
tokens, one a step. New prompts are read when enough wait, or after so many steps. A step reads the weights once and
does a little work for each stream; a prompt is work for each of its tokens.
"""

from collections import deque
from dataclasses import dataclass, field

from .inputs import Inputs

__all__ = ["ModelServer", "Request"]

_CHUNK = 0.1
"""Seconds of steps that are taken at once, at most: nobody new is let in meanwhile."""


@dataclass(eq=False, slots=True)
class Request:
    """One generation. Times in seconds, None for what has not happened."""

    at: float
    prompt: int
    output: int
    left: int = 0
    """Tokens that are still to be written."""
    sent: float = 0.0
    """When it was handed to whoever has it now."""
    first: float | None = None
    done: float | None = None
    backend: str = ""
    spilled: str = ""
    """Why it is not at the model server: `down`, `wait`, `slow`; empty where it is."""
    refused: bool = False


@dataclass(eq=False, slots=True)
class ModelServer:
    """One replica that has loaded its model. Drive it with `advance` at `next_at`."""

    inputs: Inputs
    now: float
    queue: deque[Request] = field(default_factory=deque)
    batch: list[Request] = field(default_factory=list)
    next_at: float | None = None
    """When the turn it is in ends; None while it has nothing to do."""
    work_seconds: float = 0.0
    finished: int = 0
    """How many, and for how many seconds they were worked on: `tgi_request_inference_duration`."""
    _reading: list[Request] = field(default_factory=list)
    _steps: int = 0
    _steps_since: int = 0

    @property
    def in_flight(self) -> int:
        """All that were sent and are not done."""
        return len(self.queue) + len(self._reading) + len(self.batch)

    @property
    def size(self) -> int:
        """`tgi_batch_current_size`."""
        return len(self.batch) + len(self._reading)

    def submit(self, request: Request, now: float) -> None:
        """Puts it into the queue."""
        request.sent, request.left = now, request.output
        self.queue.append(request)
        if self.next_at is None:
            self._begin(now)

    def withdraw(self, request: Request) -> None:
        """Its caller left. One whose prompt is being read is read to the end all the same."""
        for place in (self.queue, self._reading, self.batch):
            if request in place:
                place.remove(request)

    def advance(self) -> tuple[list[Request], list[Request]]:
        """Ends the turn. Returns those that got their first token in it, and those that are done."""
        assert self.next_at is not None
        now = self.now = self.next_at
        begun, self._reading = self._reading, []
        for request in begun:
            request.first = now
            request.left -= 1
        for request in self.batch:
            request.left -= self._steps
        self.batch += begun
        done = [request for request in self.batch if request.left <= 0]
        if done:
            self.batch = [request for request in self.batch if request.left > 0]
        for request in done:
            request.done = now
            self.finished += 1
            self.work_seconds += now - (request.first or now)
        self._steps_since = 0 if begun else self._steps_since + self._steps
        self._begin(now)
        return begun, done

    def _begin(self, now: float) -> None:
        inputs = self.inputs
        self._steps = 0
        enough = len(self.queue) >= inputs.waiting_served_ratio * len(self.batch)
        if self.queue and (enough or self._steps_since >= inputs.max_waiting_tokens):
            tokens = 0
            while self.queue and (not tokens or tokens + self.queue[0].prompt <= inputs.prefill_tokens):
                request = self.queue.popleft()
                tokens += request.prompt
                self._reading.append(request)
            self.next_at = now + inputs.weights_read + tokens * inputs.token_work
        elif self.batch:
            step = inputs.weights_read + len(self.batch) * inputs.token_work
            most = min(request.left for request in self.batch)
            self._steps = max(1, min(most, int(_CHUNK / step)))
            self.next_at = now + self._steps * step
        else:
            self.next_at = None
