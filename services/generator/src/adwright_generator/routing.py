"""Which backend takes a generation: the first in order that may see the brand's data and can do what is asked."""

from collections.abc import Sequence

from adwright_servicekit.errors import FailedPrecondition, NotFound, Unavailable

from .backends.base import Backend
from .job import Job

__all__ = ["Router"]


class Router:
    """The routing policy over a fixed list of backends."""

    def __init__(self, backends: Sequence[Backend]) -> None:
        """`backends` stand in routing order."""
        self.backends = tuple(backends)

    def choose(self, job: Job) -> Backend:
        """Raises NotFound, FailedPrecondition (residency) or Unavailable."""
        candidates = self.backends
        if job.backend:
            candidates = tuple(b for b in candidates if b.info.name == job.backend)
            if not candidates:
                known = ", ".join(b.info.name for b in self.backends)
                raise NotFound(f"there is no backend '{job.backend}'; there are {known}", reason="BACKEND_NOT_FOUND")
        allowed = [b for b in candidates if not job.residencies or b.info.residency in job.residencies]
        if not allowed:
            raise FailedPrecondition(
                f"the brand's data may be processed in {', '.join(sorted(job.residencies))} only, and no backend is "
                "there: add one to the generator's configuration, or change the brand's data policy",
                reason="RESIDENCY_NOT_AVAILABLE",
            )
        ready = [b for b in allowed if b.ready]
        if not ready:
            raise Unavailable(
                "no backend that may take this is up; try again in a moment",
                reason="BACKEND_UNAVAILABLE",
                retry_after=1.0,
            )
        return ready[0]
