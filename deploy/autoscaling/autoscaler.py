"""How KEDA and the HorizontalPodAutoscaler decide, from what they see and nothing else.

KEDA wakes from none and puts to sleep; from one replica on the HorizontalPodAutoscaler that it made decides:
`desired = ceil(current × metric / target)` by the metric that asks for most, unless it is within the tolerance; then
the stabilisation windows; then the policies. Sources: keda.sh, ScaledObject specification; kubernetes.io, Horizontal
Pod Autoscaling, algorithm details and configurable scaling behavior (2026-11-28).
"""

import math
from collections import deque
from collections.abc import Mapping

from .manifests import Policy, Rules, ScaledObject

__all__ = ["Autoscaler", "desired_replicas"]


def desired_replicas(current: int, metric: float, target: float, tolerance: float) -> int:
    """What one metric asks for; `metric` is the sum over all replicas, `target` what one should have (AverageValue)."""
    if current and abs(metric / (current * target) - 1) <= tolerance:
        return current
    return math.ceil(metric / target)


class Autoscaler:
    """Of one Deployment. Times in seconds."""

    def __init__(self, rules: ScaledObject, *, tolerance: float, replicas: int | None = None) -> None:
        self._rules = rules
        self._tolerance = tolerance
        self.replicas = rules.least if replicas is None else replicas
        """How many are wanted now."""
        self._active_at = -math.inf
        self._wanted: deque[tuple[float, int]] = deque()
        self._changes: deque[tuple[float, int]] = deque()

    def poll(self, now: float, metrics: Mapping[str, float]) -> None:
        """KEDA's look, every `pollingInterval`: awake or not."""
        if any(metrics[trigger.name] > trigger.activation for trigger in self._rules.triggers):
            self._active_at = now
            if not self.replicas:
                self.replicas = max(1, self._rules.least)
        elif self.replicas and not self._rules.least and now - self._active_at >= self._rules.cooldown:
            self.replicas = 0
            # A HorizontalPodAutoscaler that was asleep begins anew.
            self._wanted.clear()

    def sync(self, now: float, metrics: Mapping[str, float]) -> None:
        """The HorizontalPodAutoscaler's look, from one replica on."""
        current = self.replicas
        if not current:
            return
        asked = max(
            desired_replicas(current, metrics[trigger.name], trigger.threshold, self._tolerance)
            for trigger in self._rules.triggers
        )
        asked = min(max(asked, 1, self._rules.least), self._rules.most)
        self._wanted.append((now, asked))
        up = min(self._within(now, self._rules.up.window))
        down = max(self._within(now, self._rules.down.window))
        stable = up if up > current else down if down < current else current
        if stable > current:
            self._set(now, max(current, min(stable, self._allowed(now, current, self._rules.up, +1))))
        elif stable < current:
            self._set(now, min(current, max(stable, self._allowed(now, current, self._rules.down, -1))))

    def _within(self, now: float, window: float) -> list[int]:
        longest = max(self._rules.up.window, self._rules.down.window)
        while self._wanted[0][0] < now - longest:
            self._wanted.popleft()
        return [wanted for at, wanted in self._wanted if at >= now - window]

    def _allowed(self, now: float, current: int, rules: Rules, sign: int) -> int:
        limits = [self._limit(now, current, policy, sign) for policy in rules.policies]
        farthest = max if (sign > 0) == rules.widest else min
        return farthest(limits)

    def _limit(self, now: float, current: int, policy: Policy, sign: int) -> int:
        # As many as there were when the period began.
        before = current - sum(change for at, change in self._changes if at > now - policy.period)
        if policy.percent:
            share = before * (1 + sign * policy.value / 100)
            return math.ceil(share) if sign > 0 else math.floor(share)
        return int(before + sign * policy.value)

    def _set(self, now: float, replicas: int) -> None:
        # What KEDA changes is not among what the policies count.
        if replicas != self.replicas:
            self._changes.append((now, replicas - self.replicas))
            self.replicas = replicas
