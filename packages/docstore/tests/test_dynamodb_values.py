"""Documents on their way to DynamoDB and back, through the numbers as the service itself writes them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adwright_docstore._dynamodb_values import decode_map, encode
from adwright_docstore.limits import check_item
from adwright_docstore.model import Key

INTEGERS = st.integers(-(10**38) + 1, 10**38 - 1)
FLOATS = st.floats(allow_nan=False, allow_infinity=False).filter(lambda f: f == 0 or 1e-130 <= abs(f) <= 9.99e125)
JSON = st.recursive(
    st.none() | st.booleans() | INTEGERS | FLOATS | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("ab.#:", min_size=1), inner, max_size=4),
    max_leaves=12,
)


def as_the_service_writes_it(value: dict[str, Any]) -> dict[str, Any]:
    """Numbers come back as digits alone, without an exponent and without zeros at the end of a fraction."""
    ((kind, content),) = value.items()
    match kind:
        case "N":
            text = f"{Decimal(content):f}"
            if "." in text:
                text = text.rstrip("0").rstrip(".")
            assert len(text.strip("-0.").replace(".", "").strip("0")) <= 38
            return {"N": "0" if text == "-0" else text}
        case "M":
            return {"M": {name: as_the_service_writes_it(part) for name, part in content.items()}}
        case "L":
            return {"L": [as_the_service_writes_it(part) for part in content]}
    return value


@given(st.dictionaries(st.text("ab", min_size=1), JSON, max_size=4))
def test_a_document_comes_back_equal(data: dict[str, Any]) -> None:
    assert decode_map(as_the_service_writes_it(encode(data))) == data


@given(FLOATS | INTEGERS)
def test_a_number_comes_back_without_drift_and_as_what_it_was(number: float) -> None:
    back = decode_map(as_the_service_writes_it(encode({"n": number})))["n"]
    assert back == number
    assert isinstance(back, int) or isinstance(number, float)


@pytest.mark.parametrize("number", [1e30, 1e37, 1e38, 9.5e125, 2.0**100, -(2.0**126), 1e-130, 0.1, -0.0, 5e15])
def test_floats_at_the_edges_come_back_equal(number: float) -> None:
    assert decode_map(as_the_service_writes_it(encode({"n": number}))) == {"n": number}


@given(st.lists(FLOATS | INTEGERS, max_size=20))
def test_the_measured_size_is_never_below_what_the_digits_take(numbers: list[float]) -> None:
    digits = (as_the_service_writes_it(encode(number))["N"].replace(".", "").strip("-0") for number in numbers)
    # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
    assert check_item(Key("a", "b"), {"n": numbers}) >= sum((len(each) + 1) // 2 + 1 for each in digits)
