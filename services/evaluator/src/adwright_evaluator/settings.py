"""What the evaluator can be told by its environment."""

from adwright_servicekit.settings import Address, ServerSettings, env

__all__ = ["Settings"]


class Settings(ServerSettings):
    """The evaluator's settings, on top of those of every server."""

    listen: Address = env("ADWRIGHT_EVALUATOR_LISTEN", "127.0.0.1:50054")
    workers: int = env("ADWRIGHT_EVALUATOR_WORKERS", 2, ge=1, le=64)
    """Threads that score. Scoring is CPU-bound: more threads than cores gain nothing."""
    max_waiting: int = env("ADWRIGHT_EVALUATOR_MAX_WAITING", 256, ge=0)
    """Texts that may wait for a thread; one more is refused with RESOURCE_EXHAUSTED."""
