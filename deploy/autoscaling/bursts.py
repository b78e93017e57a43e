"""Loads to replay: how many requests a second begin, minute by minute, and when exactly, drawn from a seed."""

import csv
import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from .inputs import Inputs, InputsError
from .model_server import Request

__all__ = ["BURSTS", "Burst"]


@dataclass(frozen=True, slots=True)
class Burst:
    """`points` are (minute, requests a second); between two of them the rate goes straight."""

    name: str
    says: str
    points: Sequence[tuple[float, float]]

    @classmethod
    def load(cls, path: Path) -> Self:
        """From CSV with the columns `minute` and `requests_per_second`, ascending. Raises InputsError."""
        points: list[tuple[float, float]] = []
        try:
            with path.open(newline="", encoding="utf-8") as file:
                for line, row in enumerate(csv.DictReader(file), 2):
                    try:
                        minute, rate = float(row["minute"]), float(row["requests_per_second"])
                    except (KeyError, TypeError, ValueError):
                        raise InputsError(f"{path}: line {line}: expected `minute,requests_per_second`") from None
                    if not (math.isfinite(minute) and math.isfinite(rate)):
                        raise InputsError(f"{path}: line {line}: expected numbers that are finite")
                    if rate < 0 or (points and minute <= points[-1][0]) or (not points and minute):
                        raise InputsError(f"{path}: line {line}: minutes begin at 0 and ascend, rates are 0 or more")
                    points.append((minute, rate))
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise InputsError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from None
        if len(points) < 2 or not any(rate for _, rate in points):
            raise InputsError(f"{path}: expected two lines or more, and a rate above 0 in one of them")
        return cls(path.stem, f"as {path.name} says", points)

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return self.points[-1][0] * 60

    def rate(self, at: float) -> float:
        """Requests a second at `at` seconds."""
        minute = at / 60
        for (start, low), (end, high) in zip(self.points, self.points[1:], strict=False):
            if start <= minute <= end:
                return low + (high - low) * (minute - start) / (end - start) if end > start else high
        return 0.0

    def requests(self, inputs: Inputs, seed: int) -> Iterator[Request]:
        """A Poisson process with that rate, by thinning (P. Lewis, G. Shedler, 1979); lengths vary by a half."""
        chance = random.Random(seed)  # noqa: S311 - a simulation
        most = max(rate for _, rate in self.points)
        at = 0.0
        while (at := at + chance.expovariate(most)) < self.seconds:
            if chance.random() * most < self.rate(at):
                yield Request(
                    at,
                    round(inputs.prompt_tokens * chance.uniform(0.5, 1.5)),
                    max(1, round(inputs.output_tokens * chance.uniform(0.5, 1.5))),
                )


BURSTS = (
    Burst(
        "campaign",
        "a quiet night, then a campaign: forty times as much within two minutes, for half an hour",
        [(0, 0.1), (10, 0.1), (12, 4.0), (42, 4.0), (45, 0.1), (75, 0.02), (90, 0.02)],
    ),
    Burst(
        "office",
        "people come, have lunch, go: three hours of changing load that one to three replicas can do",
        [(0, 0.0), (20, 1.0), (60, 3.0), (75, 1.0), (90, 2.5), (140, 3.0), (160, 0.5), (180, 0.0)],
    ),
    Burst(
        "trickle",
        "one request every twenty seconds for two hours: not worth a GPU",
        [(0, 0.05), (120, 0.05)],
    ),
)
