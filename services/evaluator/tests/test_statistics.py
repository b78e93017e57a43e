"""Statistics held against simulation and published examples. Draws are seeded; tolerances are simulation error."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from adwright_evaluator.statistics.intervals import bootstrap_mean, bounded_mean, wilson
from adwright_evaluator.statistics.paired import (
    cases_needed,
    cases_needed_of_passes,
    detectable_difference,
    holm,
    mcnemar,
    sign_flip,
)
from adwright_evaluator.statistics.quantiles import student_quantile


def _exact_coverage(n: int, p: float) -> float:
    """How often Wilson's interval holds `p`, over all outcomes of `n` tries."""
    total = 0.0
    for k in range(n + 1):
        interval = wilson(k, n)
        assert interval is not None
        if interval.low <= p <= interval.high:
            total += math.comb(n, k) * p**k * (1 - p) ** (n - k)
    return total


@pytest.mark.parametrize("n", [30, 100, 300])
@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_wilsons_interval_holds_the_share_in_95_of_100(n: int, p: float) -> None:
    # Shares of thirty are so coarse that no interval is nearer than 97.4 % for p = 0.1.
    assert 0.93 <= _exact_coverage(n, p) <= 0.975


@pytest.mark.parametrize(
    ("broken", "fixed", "n"),
    [(0.02, 0.12, 30), (0.05, 0.05, 30), (0.02, 0.02, 100), (0.05, 0.15, 100), (0.1, 0.1, 300)],
)
def test_the_interval_of_a_difference_holds_it_in_95_of_100(broken: float, fixed: float, n: int) -> None:
    generator, runs, hits = np.random.default_rng(1), 1500, 0
    for _ in range(runs):
        differences = generator.choice([-1.0, 1.0, 0.0], size=n, p=[broken, fixed, 1 - broken - fixed])
        interval = bounded_mean(differences.tolist(), bounds=(-1.0, 1.0))
        assert interval is not None
        hits += interval.low <= fixed - broken <= interval.high
    # Two standard errors of 1,500 draws are 0.011.
    assert 0.93 - 0.011 <= hits / runs <= 0.97 + 0.011


@pytest.mark.parametrize("n", [30, 100])
def test_repeats_of_a_case_do_not_count_as_cases(n: int) -> None:
    generator, runs, hits, naive = np.random.default_rng(2), 1500, 0, 0
    clusters = [case for case in range(n) for _ in range(3)]
    for _ in range(runs):
        # Each case has its own share; the mean share is 0.7.
        shares = np.repeat(generator.beta(1.4, 0.6, size=n), 3)
        values = (generator.random(3 * n) < shares).astype(float).tolist()
        interval, as_if = bounded_mean(values, clusters), bounded_mean(values)
        assert interval is not None
        assert as_if is not None
        hits += interval.low <= 0.7 <= interval.high
        naive += as_if.low <= 0.7 <= as_if.high
    assert 0.93 - 0.011 <= hits / runs <= 0.97 + 0.011
    assert naive / runs < 0.9


def test_all_alike_is_not_all_there_is() -> None:
    interval = bounded_mean([1.0] * 30)
    assert interval is not None
    assert interval.high == 1.0
    assert 0.85 < interval.low < 0.92
    assert detectable_difference(0.0, 30) > 0.1


@pytest.mark.parametrize(
    ("draw", "mean", "n", "least"),
    [
        (lambda random, n: random.normal(1, 1, n), 1.0, 10, 0.93),
        (lambda random, n: random.standard_t(3, n), 0.0, 20, 0.93),
        (lambda random, n: random.exponential(1, n), 1.0, 20, 0.93),
        # Costs and latencies with a tail as long as this are not held by any interval that was tried.
        (lambda random, n: random.lognormal(0, 1, n), math.exp(0.5), 10, 0.87),
        (lambda random, n: random.lognormal(0, 1, n), math.exp(0.5), 40, 0.91),
    ],
    ids=["normal 10", "heavy tails 20", "exponential 20", "lognormal 10", "lognormal 40"],
)
def test_the_interval_of_a_mean_without_bounds_holds_it_as_often_as_is_said(
    draw: Callable[[np.random.Generator, int], NDArray[np.float64]], mean: float, n: int, least: float
) -> None:
    generator, runs, hits = np.random.default_rng(5), 800, 0
    for _ in range(runs):
        interval = bootstrap_mean(draw(generator, n).tolist(), resamples=500)
        assert interval is not None
        hits += interval.low <= mean <= interval.high
    # Two standard errors of 800 draws are 0.015.
    assert least - 0.015 <= hits / runs <= 0.985


@pytest.mark.parametrize(("a", "b"), [(8.0, 2.0), (0.5, 0.5), (0.3, 1.2)], ids=["most good", "one or the other", "bad"])
def test_the_interval_of_a_mean_score_holds_it_in_95_of_100(a: float, b: float) -> None:
    generator, runs, hits = np.random.default_rng(6), 1500, 0
    for _ in range(runs):
        interval = bounded_mean(generator.beta(a, b, size=30).tolist())
        assert interval is not None
        hits += interval.low <= a / (a + b) <= interval.high
    assert 0.93 - 0.011 <= hits / runs <= 0.97 + 0.011


def test_no_better_is_found_where_there_is_none_in_more_than_5_of_100_runs() -> None:
    generator, runs, false = np.random.default_rng(3), 600, 0
    for _ in range(runs):
        p_values = []
        for _ in range(4):
            before, after = generator.random((2, 60)) < 0.6
            p_values.append(mcnemar(int((before & ~after).sum()), int((~before & after).sum())))
            p_values.append(sign_flip((generator.normal(size=40) * 0.2).tolist()))
        false += any(p <= 0.05 for p in holm(p_values))
    # Two standard errors of 600 draws are 0.018.
    assert false / runs <= 0.05 + 0.018


@pytest.mark.parametrize(("broken", "fixed"), [(0.05, 0.2), (0.02, 0.12), (0.1, 0.2)])
def test_so_many_cases_as_are_said_show_the_difference_in_80_of_100_runs(broken: float, fixed: float) -> None:
    n = cases_needed_of_passes(fixed - broken, fixed + broken)
    generator, runs, shown = np.random.default_rng(4), 1000, 0
    for _ in range(runs):
        drawn = generator.multinomial(n, [broken, fixed, 1 - broken - fixed])
        shown += mcnemar(int(drawn[0]), int(drawn[1])) <= 0.05
    assert 0.76 <= shown / runs <= 0.87


@pytest.mark.parametrize(("difference", "alpha"), [(0.5, 0.05), (0.25, 0.05), (0.3, 0.005)])
def test_so_many_cases_as_are_said_show_a_mean_difference_in_80_of_100_runs(difference: float, alpha: float) -> None:
    n = cases_needed(difference, 0.5, alpha=alpha)
    generator, runs, shown = np.random.default_rng(4), 400, 0
    for _ in range(runs):
        shown += sign_flip((generator.normal(difference, 0.5, size=n)).tolist()) <= alpha
    # Two standard errors of 400 draws are 0.04; whole numbers of few cases are coarse.
    assert 0.76 <= shown / runs <= 0.87


def test_mcnemar_is_the_exact_binomial() -> None:
    assert mcnemar(0, 0) == 1.0
    assert mcnemar(0, 6) == pytest.approx(2 / 64)
    assert mcnemar(3, 3) == 1.0
    assert mcnemar(0, 2000) < 1e-10


def test_holm_corrects_in_steps() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])


@pytest.mark.parametrize(
    ("probability", "degrees", "value"),
    [
        (0.975, 1, 12.7062),
        (0.975, 2, 4.3027),
        (0.975, 9, 2.2622),
        (0.975, 29, 2.0452),
        (0.95, 4, 2.1318),
        (0.995, 60, 2.6603),
    ],
)
def test_students_quantiles_are_those_of_the_tables(probability: float, degrees: int, value: float) -> None:
    assert student_quantile(probability, degrees) == pytest.approx(value, abs=2e-3)
    assert student_quantile(1 - probability, degrees) == pytest.approx(-value, abs=2e-3)
