"""Which provider an id of a suite means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rapidfuzz import process

from adwright.generator.v1 import generator_service_pb2 as generator_pb
from adwright_checks import Format
from adwright_evaluator.clients import Clients
from adwright_evaluator.model import ProviderSpec
from adwright_servicekit.errors import InvalidInput

from .adwright import AdwrightProvider
from .backend import BackendProvider
from .base import Provider
from .echo import Echo
from .fake import Fake

__all__ = ["Providers", "backend_named"]

_ADWRIGHT = frozenset({"adwright", "adwright:generate"})
_PREFIXES = ("adwright:backend:", "backend:")


class Providers:
    """Makes providers for one tenant's run."""

    def __init__(self, clients: Clients, tenant: str, formats: Mapping[str, Format]) -> None:
        self._clients = clients
        self._tenant = tenant
        self._formats = formats
        self._backends: Sequence[generator_pb.BackendStatus] | None = None

    async def open(self, spec: ProviderSpec) -> Provider:
        """Raises InvalidInput for an id that means nothing here, and Unavailable where the generator is not there."""
        if spec.id == "echo":
            return Echo()
        if spec.id == "fake":
            return Fake(spec.config)
        if spec.id in _ADWRIGHT:
            return AdwrightProvider(self._clients, self._tenant, self._formats, spec.config)
        backends = await self.backends()
        name = backend_named(spec.id, backends)
        if name is None:
            raise InvalidInput.of(
                str(spec.place) or "providers", _unknown(spec.id, backends), reason="UNKNOWN_PROVIDER"
            )
        return BackendProvider(self._clients, self._tenant, name, spec.config)

    async def backends(self) -> Sequence[generator_pb.BackendStatus]:
        """The generator's, as they were when they were first needed."""
        if self._backends is None:
            self._backends = await self._clients.backends(self._tenant)
        return self._backends


def backend_named(wanted: str, backends: Sequence[generator_pb.BackendStatus]) -> str | None:
    """The backend that `backend:NAME`, or `openai:chat:MODEL` in promptfoo's way, means; empty: as the policy says."""
    for prefix in _PREFIXES:
        if wanted.startswith(prefix):
            name = wanted.removeprefix(prefix)
            return name if any(backend.name == name for backend in backends) else None
    if wanted == "backend":
        return ""
    model = wanted.rpartition(":")[2]
    return next((backend.name for backend in backends if model and model in (backend.name, backend.model)), None)


def _unknown(wanted: str, backends: Sequence[generator_pb.BackendStatus]) -> str:
    there = ["adwright", "echo", *(f"backend:{backend.name}" for backend in backends)]
    nearest = process.extractOne(wanted, there, score_cutoff=60)
    hint = f"did you mean {nearest[0]}?" if nearest else f"there are {', '.join(there)}"
    return f"there is no provider {wanted!r}, and no backend serves a model of that name: {hint}"
