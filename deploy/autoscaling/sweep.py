"""The chosen numbers against others: one changed at a time, every burst replayed."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from .bursts import Burst
from .inputs import Inputs, InputsError
from .manifests import ScaledObject, Serving
from .report import summary
from .simulation import simulate

__all__ = ["KNOBS", "Knob", "Setting", "swept"]

Setting = tuple[ScaledObject, Serving]


@dataclass(frozen=True, slots=True)
class Knob:
    """A number of the manifests: how it is read, how it is turned, and what is tried besides it."""

    name: str
    read: Callable[[Setting], float]
    turn: Callable[[Setting, float], Setting]
    tried: Sequence[float]


def _trigger(setting: Setting, names: Sequence[str], **changes: Any) -> Setting:
    scaled, serving = setting
    triggers = tuple(replace(t, **changes) if t.name in names else t for t in scaled.triggers)
    return replace(scaled, triggers=triggers), serving


def _of(setting: Setting, name: str, what: str) -> float:
    for trigger in setting[0].triggers:
        if trigger.name == name:
            return float(getattr(trigger, what))
    raise InputsError(f"no trigger of the ScaledObject is called {name}, which the sweep turns; add --no-sweep")


KNOBS = (
    Knob(
        "streams a replica (demand, batch)",
        lambda setting: _of(setting, "demand", "threshold"),
        lambda setting, value: _trigger(setting, ("demand", "batch"), threshold=value),
        (8, 16, 24, 48),
    ),
    Knob(
        "requests in two minutes a replica (wanted)",
        lambda setting: _of(setting, "wanted", "threshold"),
        lambda setting, value: _trigger(setting, ("wanted",), threshold=value),
        (100, 150, 200, 300, 1000),
    ),
    Knob(
        "wakes above, in two minutes (wanted)",
        lambda setting: _of(setting, "wanted", "activation"),
        lambda setting, value: _trigger(setting, ("wanted",), activation=value),
        (10, 30, 60, 120),
    ),
    Knob(
        "streams that a server takes",
        lambda setting: setting[1].slots,
        lambda setting, value: (setting[0], replace(setting[1], slots=int(value))),
        (16, 24, 32, 64, 128),
    ),
    Knob(
        "max_predicted_wait, seconds",
        lambda setting: setting[1].max_predicted_wait,
        lambda setting, value: (setting[0], replace(setting[1], max_predicted_wait=value)),
        (0.5, 1, 2, 4),
    ),
    Knob(
        "cooldownPeriod, seconds",
        lambda setting: setting[0].cooldown,
        lambda setting, value: (replace(setting[0], cooldown=value), setting[1]),
        (300, 600, 1200),
    ),
    Knob(
        "maxReplicaCount",
        lambda setting: setting[0].most,
        lambda setting, value: (replace(setting[0], most=int(value)), setting[1]),
        (1, 2, 4, 8),
    ),
)


@dataclass(frozen=True, slots=True)
class Tried:
    """One value of one knob, and what it does to each burst."""

    knob: str
    value: float
    chosen: bool
    figures: dict[str, dict[str, Any]]


def swept(bursts: Sequence[Burst], inputs: Inputs, setting: Setting, seed: int) -> Iterator[Tried]:
    """All knobs, each at what was tried and at what the manifests say."""
    asked = [
        (knob, value, burst)
        for knob in KNOBS
        for value in sorted({*map(float, knob.tried), float(knob.read(setting))})
        for burst in bursts
    ]
    with ProcessPoolExecutor() as pool:
        # Knobs are functions, which do not travel: settings do.
        figures = pool.map(_figures, [(burst, inputs, knob.turn(setting, value), seed) for knob, value, burst in asked])
        found = dict(zip([(k.name, v, b.name) for k, v, b in asked], figures, strict=True))
    for knob in KNOBS:
        for value in sorted({v for k, v, _ in asked if k is knob}):
            by_burst = {burst.name: found[knob.name, value, burst.name] for burst in bursts}
            yield Tried(knob.name, value, value == float(knob.read(setting)), by_burst)


def _figures(task: tuple[Burst, Inputs, Setting, int]) -> dict[str, Any]:
    burst, inputs, (scaled, serving), seed = task
    return summary(simulate(burst, inputs, scaled, serving, seed=seed))
