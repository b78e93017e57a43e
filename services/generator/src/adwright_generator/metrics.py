"""What the generator can be scaled by, read from the dispatcher whenever somebody looks."""

from collections.abc import Callable, Iterable, Mapping

from opentelemetry.metrics import CallbackOptions, Meter, Observation

from .policy.dispatcher import Dispatcher

__all__ = ["observe"]

_Callback = Callable[[CallbackOptions], Iterable[Observation]]


def observe(meter: Meter, dispatcher: Dispatcher) -> None:
    """Makes the instruments. Their callbacks run in the thread that reads the metrics."""

    def by_backend(values: Callable[[], Mapping[str, int]]) -> _Callback:
        def look(_: CallbackOptions) -> Iterable[Observation]:
            # A backend that nobody asked for is 0: who scales by it must see a number from the first look on.
            found = dict.fromkeys((backend.info.name for backend in dispatcher.backends), 0) | dict(values())
            return [Observation(value, {"backend": name}) for name, value in found.items()]

        return look

    meter.create_observable_gauge(
        "adwright.generator.streams.in_flight",
        [lambda _: [Observation(dispatcher.in_flight)]],
        "{stream}",
        "Generations and completions that wait or run in this process.",
    )
    meter.create_observable_gauge(
        "adwright.generator.backend.in_flight",
        [by_backend(dispatcher.used)],
        "{variant}",
        "Variants that hold a slot of the backend.",
    )
    meter.create_observable_gauge(
        "adwright.generator.backend.demand",
        [by_backend(lambda: dispatcher.demand)],
        "{variant}",
        "Variants that wait or run, on whichever backend, and have this one as their first choice.",
    )
    meter.create_observable_counter(
        "adwright.generator.backend.wanted",
        [by_backend(lambda: dispatcher.wanted)],
        "{variant}",
        "Variants that had this backend as their first choice, whether it was up and free or not.",
    )
