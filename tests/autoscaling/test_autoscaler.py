"""KEDA's and the HorizontalPodAutoscaler's rules, by the examples of their own documentation."""

from dataclasses import replace

import pytest
from deploy.autoscaling.autoscaler import Autoscaler, desired_replicas
from deploy.autoscaling.manifests import Policy, Rules, ScaledObject, Trigger

RULES = ScaledObject(
    polling=15,
    cooldown=300,
    least=0,
    most=10,
    triggers=(Trigger("demand", 10, 2),),
    up=Rules(0, (Policy(100, 15, True), Policy(4, 15, False))),
    down=Rules(300, (Policy(100, 15, True),)),
)


def scaler(replicas: int, **changes: object) -> Autoscaler:
    return Autoscaler(replace(RULES, **changes), tolerance=0.1, replicas=replicas)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("current", "metric", "target", "desired"),
    [
        (1, 200, 100, 2),  # "if the current metric value is 200m, and the desired value is 100m, the number doubles"
        (2, 100, 100, 1),  # 50m each: halved
        (50, 50 * 90, 75, 60),  # KEP-4951: 50 × 90/75
        (10, 10 * 109, 100, 10),  # within the tolerance of a tenth
        (10, 10 * 111, 100, 12),  # beyond it, rounded up
        (3, 0, 100, 0),
    ],
)
def test_desired_replicas_are_as_kubernetes_documents_them(
    current: int, metric: float, target: float, desired: int
) -> None:
    assert desired_replicas(current, metric, target, 0.1) == desired


def test_none_becomes_one_only_above_the_activation_and_more_is_the_hpas_to_say() -> None:
    some = scaler(0)
    some.poll(0, {"demand": 2})
    assert some.replicas == 0
    some.sync(1, {"demand": 100})
    assert some.replicas == 0, "an HPA does not wake what sleeps"
    some.poll(15, {"demand": 100})
    assert some.replicas == 1
    some.sync(16, {"demand": 100})
    assert some.replicas == 5, "one, and four more: the policy that allows most"


def test_the_last_one_goes_when_nothing_was_active_for_the_cooldown_period() -> None:
    some = scaler(1)
    some.poll(0, {"demand": 3})
    for at in range(15, 300, 15):
        some.poll(at, {"demand": 2})
        some.sync(at, {"demand": 2})
    assert some.replicas == 1
    some.poll(300, {"demand": 2})
    assert some.replicas == 0


def test_with_a_least_number_it_never_sleeps() -> None:
    some = scaler(2, least=2)
    some.poll(10_000, {"demand": 0})
    some.sync(10_000, {"demand": 0})
    assert some.replicas == 2


def test_up_waits_for_the_lowest_of_its_window_and_down_for_the_highest() -> None:
    some = scaler(1, up=Rules(60, (Policy(10, 15, False),)))
    some.sync(0, {"demand": 10})
    some.sync(15, {"demand": 80})
    assert some.replicas == 1, "60 s ago one was enough"
    for at in (30, 45, 61):
        some.sync(at, {"demand": 80})
    assert some.replicas == 8
    some.sync(76, {"demand": 20})
    assert some.replicas == 8, "300 s ago eight were wanted"
    some.sync(362, {"demand": 20})
    assert some.replicas == 2


def test_a_policy_limits_how_many_come_within_its_period() -> None:
    some = scaler(1, up=Rules(0, (Policy(1, 60, False),)))
    counts = []
    for at in range(0, 135, 15):
        some.sync(at, {"demand": 100})
        counts.append(some.replicas)
    assert counts == [2, 2, 2, 2, 3, 3, 3, 3, 4]


def test_the_strictest_policy_counts_where_the_manifest_says_min() -> None:
    some = scaler(4, up=Rules(0, (Policy(100, 15, True), Policy(1, 15, False)), widest=False))
    some.sync(0, {"demand": 100})
    assert some.replicas == 5


def test_no_more_than_the_most() -> None:
    some = scaler(9)
    some.sync(0, {"demand": 1000})
    assert some.replicas == 10
