"""What the evaluator can be told by its environment."""

from pathlib import Path
from typing import Literal

from adwright_resources.stores import StorePlace
from adwright_servicekit.settings import Address, ServerSettings, Target, env
from adwright_servicekit.settings import Settings as BaseSettings

__all__ = ["Settings", "StoreSettings"]


class StoreSettings(BaseSettings):
    """Where runs, suites and labels are kept."""

    store: Literal["sqlite", "dynamodb"] = env("ADWRIGHT_EVALUATOR_STORE", "sqlite")
    sqlite_path: Path = env("ADWRIGHT_EVALUATOR_SQLITE_PATH", Path(".adwright/evaluator.db"))
    dynamodb_table: str = env(
        "ADWRIGHT_EVALUATOR_DYNAMODB_TABLE", "adwright-evaluator", pattern=r"^[A-Za-z0-9_.-]{3,255}$"
    )

    @property
    def place(self) -> StorePlace:
        """What is to be opened."""
        return StorePlace("EVALUATOR", self.store, self.sqlite_path, self.dynamodb_table)


class Settings(StoreSettings, ServerSettings):
    """The evaluator's settings, on top of those of every server."""

    listen: Address = env("ADWRIGHT_EVALUATOR_LISTEN", "127.0.0.1:50054")
    gateway_target: Target = env("ADWRIGHT_GATEWAY_TARGET", "127.0.0.1:50051")
    generator_target: Target = env("ADWRIGHT_GENERATOR_TARGET", "127.0.0.1:50053")
    workers: int = env("ADWRIGHT_EVALUATOR_WORKERS", 2, ge=1, le=64)
    """Threads that score. Scoring is CPU-bound: more threads than cores gain nothing."""
    max_waiting: int = env("ADWRIGHT_EVALUATOR_MAX_WAITING", 256, ge=0)
    """Texts that may wait for a thread; one more is refused with RESOURCE_EXHAUSTED."""
    max_runs: int = env("ADWRIGHT_EVALUATOR_MAX_RUNS", 4, ge=0, le=100)
    """Shards of evaluations that this process runs at a time; 0: it leaves them to workers."""
    history_days: int = env("ADWRIGHT_EVALUATOR_HISTORY_DAYS", 90, ge=1, le=3650)
    """How long a run is kept."""
    judge: str = env("ADWRIGHT_EVALUATOR_JUDGE", "")
    """The backend that grades where a suite names none, `backend:tgi-a10g`; empty: as the generator's policy says."""
    allow_python: bool = env("ADWRIGHT_EVALUATOR_ALLOW_PYTHON", False)
    """Whether code in suites may run here: whoever may run suites may then do what this process may."""
