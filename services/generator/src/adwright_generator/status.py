"""ListBackends: what the backends are and do, as protobuf."""

from collections.abc import Sequence

from adwright.generator.v1 import generator_service_pb2 as pb

from .backends.accounting import Account
from .backends.base import Backend, BreakerState
from .convert import duration, usd
from .fleet import Fleet
from .policy.dispatcher import Dispatcher
from .policy.replicas import ReplicaSet

__all__ = ["backends_to_pb"]

_BREAKER = {
    BreakerState.CLOSED: pb.BackendStatus.BREAKER_CLOSED,
    BreakerState.HALF_OPEN: pb.BackendStatus.BREAKER_HALF_OPEN,
    BreakerState.OPEN: pb.BackendStatus.BREAKER_OPEN,
}


def backends_to_pb(fleet: Fleet) -> pb.ListBackendsResponse:
    """All backends in routing order."""
    dispatcher = fleet.dispatcher
    return pb.ListBackendsResponse(
        backends=[_status(b, dispatcher, fleet.spend(b.info.name)) for b in dispatcher.backends],
        waiting=dispatcher.waiting,
    )


def _status(backend: Backend, dispatcher: Dispatcher, spend: Account) -> pb.BackendStatus:
    info = backend.info
    return pb.BackendStatus(
        name=info.name,
        kind=info.kind,
        model=info.model,
        residency=info.residency,
        ready=backend.ready,
        in_flight=backend.in_flight,
        max_concurrency=backend.capacity,
        constrained_output=info.constrained_output,
        state=_state(backend, dispatcher),
        predicted_wait=duration(dispatcher.predicted_wait(backend)),
        breaker=_BREAKER[backend.breaker],
        spend=pb.Spend(
            input_tokens=spend.input_tokens,
            output_tokens=spend.output_tokens,
            model_calls=spend.model_calls,
            cost=usd(spend.cost_usd),
            estimated=spend.estimated,
        ),
        replicas=_replicas(backend.replicas) if isinstance(backend, ReplicaSet) else (),
    )


def _state(backend: Backend, dispatcher: Dispatcher) -> pb.BackendStatus.State.ValueType:
    if backend.breaker is BreakerState.OPEN:
        return pb.BackendStatus.STATE_BROKEN
    if not backend.ready:
        return pb.BackendStatus.STATE_DOWN
    return pb.BackendStatus.STATE_READY if dispatcher.fits(backend) else pb.BackendStatus.STATE_BUSY


def _replicas(replicas: Sequence[Backend]) -> list[pb.ReplicaStatus]:
    return [
        pb.ReplicaStatus(
            endpoint=replica.info.endpoint,
            ready=replica.ready,
            in_flight=replica.in_flight,
            predicted_wait=duration(replica.predicted_wait),
            breaker=_BREAKER[replica.breaker],
        )
        for replica in replicas
    ]
