"""κ and α: published examples, what is undefined, and how often intervals hold the truth."""

import numpy as np
import pytest

from adwright_evaluator.statistics.agreement import Table, alpha, cohen_kappa, krippendorff_alpha, with_interval


def each_alone(table: Table) -> list[Table]:
    """One case an item."""
    return [
        *[Table(1, 0, 0, 0)] * int(table.both),
        *[Table(0, 1, 0, 0)] * int(table.first),
        *[Table(0, 0, 1, 0)] * int(table.second),
        *[Table(0, 0, 0, 1)] * int(table.neither),
    ]


def test_agreement_is_that_of_published_examples() -> None:
    # A table of 50 with 20 and 15 alike: 0.7 seen, 0.5 by chance.
    assert cohen_kappa(Table(20, 5, 10, 15)) == pytest.approx(0.4)
    # Krippendorff (2011), "Computing Krippendorff's Alpha-Reliability", example C: four observers, missing values.
    units = [
        [1, 1, 1],
        [2, 2, 3, 2],
        [3, 3, 3, 3],
        [3, 3, 3, 3],
        [2, 2, 2, 2],
        [1, 2, 3, 4],
        [4, 4, 4, 4],
        [1, 1, 2, 1],
        [2, 2, 2, 2],
        [5, 5, 5],
        [1, 1],
        [3],
    ]
    assert krippendorff_alpha(units) == pytest.approx(0.743, abs=1e-3)
    assert krippendorff_alpha(units, lambda a, b: (a - b) ** 2) == pytest.approx(0.849, abs=1e-3)
    # Example B of the same: two observers, twelve items, yes and no.
    assert alpha(Table(1, 1, 3, 5)) == pytest.approx(0.095, abs=1e-3)


@pytest.mark.parametrize("table", [Table(20, 0, 0, 0), Table(0, 0, 0, 20), Table(0, 0, 0, 0)])
def test_who_always_says_the_same_agrees_by_chance_alone(table: Table) -> None:
    assert cohen_kappa(table) is None
    assert alpha(table) is None
    assert with_interval(cohen_kappa, each_alone(table)) == (None, None)
    assert krippendorff_alpha([[1, 1], [1, 1]]) is None


def test_kappa_has_an_interval_from_ten_cases_on() -> None:
    value, interval = with_interval(cohen_kappa, each_alone(Table(40, 5, 5, 50)))
    assert value is not None
    assert interval is not None
    assert interval.low < value < interval.high
    assert with_interval(cohen_kappa, each_alone(Table(4, 0, 1, 4)))[1] is None


def test_cells_of_one_case_are_no_more_than_one_case() -> None:
    once = with_interval(cohen_kappa, each_alone(Table(8, 2, 3, 7)))[1]
    often = with_interval(cohen_kappa, [Table(*(5 * n for n in cells)) for cells in _rows(Table(8, 2, 3, 7))])[1]
    assert once is not None
    assert often is not None
    assert (often.low, often.high) == pytest.approx((once.low, once.high), abs=1e-9)


def _rows(table: Table) -> list[tuple[float, float, float, float]]:
    return [(each.both, each.first, each.second, each.neither) for each in each_alone(table)]


def test_perfect_agreement_of_few_is_not_taken_for_certain() -> None:
    value, interval = with_interval(cohen_kappa, each_alone(Table(6, 0, 0, 6)))
    assert value == 1.0
    assert interval is not None
    assert 0.3 < interval.low < 0.7
    assert interval.high == 1.0


@pytest.mark.parametrize("right", [0.5, 0.8, 0.95])
@pytest.mark.parametrize(("cases", "repeats"), [(15, 1), (25, 4), (50, 1)])
def test_the_interval_of_kappa_holds_it_in_95_of_100(cases: int, repeats: int, right: float) -> None:
    # Half of the cases are good; a judge is right so often, and mostly says the same in all repeats.
    truth = 2 * right - 1
    generator, runs, hits = np.random.default_rng(8), 400, 0
    for _ in range(runs):
        good = np.repeat(generator.random(cases) < 0.5, repeats)
        steady = np.repeat(generator.random(cases) < right, repeats)
        keeps = generator.random(cases * repeats) < 0.8
        judge = good == np.where(keeps, steady, generator.random(cases * repeats) < right)
        pairs = list(zip(judge.tolist(), good.tolist(), strict=True))
        tables = [Table.of(pairs[at : at + repeats]) for at in range(0, len(pairs), repeats)]
        interval = with_interval(cohen_kappa, tables)[1]
        assert interval is not None
        hits += interval.low <= truth <= interval.high
    # Two standard errors of 400 draws are 0.022.
    assert hits / runs >= 0.93 - 0.022
