"""The name that was probably meant."""

from adwright_resources.similarity import closest


def test_the_closest_name_is_near_or_none() -> None:
    assert closest("nordlis", ["kesselfink", "nordlys"]) == "nordlys"
    assert closest("zzz", ["kesselfink", "nordlys"]) is None
