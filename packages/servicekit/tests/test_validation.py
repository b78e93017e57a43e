"""Broken rules are told by field, with what would have been right."""

import pytest
from google.protobuf.message import Message

from adwright.gateway.v1 import ad_service_pb2 as pb
from adwright_servicekit.errors import InvalidInput
from adwright_servicekit.validation import validate


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        (pb.GenerateAdRequest(format="plain"), "brand: is required: give a brand such as brands/nordlys"),
        (pb.GenerateAdRequest(brand="nordlys"), "format: is required: give a format such as formats/google-rsa"),
        (
            pb.GenerateAdRequest(brand="nordlys", format="plain", language="english!"),
            "language: 'english!' is not right: expected a BCP-47 language tag such as en or pt-BR",
        ),
        (
            pb.GenerateAdRequest(brand="nordlys", format="plain", products=["Big Tent"]),
            "products[0]: 'Big Tent' is not right: expected a product such as brands/nordlys/products/aurora-trail-2",
        ),
        (
            pb.GenerateAdRequest(brand="nordlys", format="plain", variant_count=9),
            "variant_count: must be greater than or equal to 0 and less than or equal to 8",
        ),
    ],
)
def test_a_broken_rule_says_what_would_be_right(request_: Message, says: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        validate(request_)
    assert caught.value.message == says


def test_many_broken_rules_are_all_listed_by_field() -> None:
    with pytest.raises(InvalidInput) as caught:
        validate(pb.GenerateAdRequest(language="!", variant_count=-1))
    assert [violation.field for violation in caught.value.violations] == [
        "brand",
        "format",
        "language",
        "variant_count",
    ]
    assert caught.value.message.endswith("; and 1 more")
