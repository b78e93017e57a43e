"""Rows as they are stored: shortened where they are too large, and still of the same case."""

import random
from dataclasses import replace

from adwright_evaluator.model import Answer, CellResult, CellStatus
from adwright_evaluator.runs.packing import pack_row, unpack_row


def noise(size: int, seed: int = 1) -> str:
    """A text that no compression makes smaller."""
    return "".join(chr(letter) for letter in random.Random(seed).choices(range(0x4E00, 0x9FFF), k=size))


def cell(text: str, output: str = "x") -> CellResult:
    return CellResult(0, 0, 0, 0, CellStatus.PASSED, 1.0, Answer(output), "p", {"text": text})


def stored(*cells: CellResult) -> list[CellResult]:
    return unpack_row(pack_row(cells))


def test_what_fits_comes_back_as_it_was() -> None:
    small = cell("short")
    assert stored(small) == [small]


def test_a_case_that_is_shortened_otherwise_beside_a_longer_output_is_the_same_case() -> None:
    long = noise(90_000)
    [less], [more] = stored(cell(long, noise(9_000))), stored(cell(long, noise(250_000, 2)))
    assert len(str(less.vars)) > len(str(more.vars))
    assert less.case_key == more.case_key == cell(long).case_key


def test_a_row_that_is_stored_again_keeps_what_its_case_was() -> None:
    [once] = stored(cell(noise(250_000)))
    assert len(str(once.vars)) < 250_000
    [twice] = stored(replace(once, score=0.5))
    assert twice.case_key == cell(noise(250_000)).case_key


def test_cases_that_begin_alike_and_end_otherwise_are_others() -> None:
    long = noise(250_000)
    [one], [other] = stored(cell(long)), stored(cell(long[:-1] + "x"))
    assert one.case_key != other.case_key


def test_what_a_provider_adds_is_shortened_too() -> None:
    large = replace(cell("x"), answer=Answer("x", metadata={"raw": noise(300_000)}))
    data = pack_row([large])
    assert sum(len(str(value)) for value in data.values()) <= 350_000
    assert str(unpack_row(data)[0].answer.metadata["raw"]).endswith("characters more)")


def test_a_row_of_hundreds_of_long_cells_keeps_its_verdicts() -> None:
    row = [replace(cell(noise(500, n), noise(3_000, n)), provider=n, score=n / 400) for n in range(400)]
    data = pack_row(row)
    assert sum(len(str(value)) for value in data.values()) <= 350_000
    assert [each.score for each in unpack_row(data)] == [each.score for each in row]
