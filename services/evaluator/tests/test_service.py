"""The evaluator as its callers see it: real gRPC on loopback."""

from typing import TYPE_CHECKING

import grpc
import pytest
from google.type import money_pb2

from adwright.context.v1 import resources_pb2
from adwright.evaluator.v1 import evaluator_service_pb2 as pb
from adwright.type.v1 import ad_pb2
from adwright_servicekit.testing import as_tenant, expect_error

if TYPE_CHECKING:
    from adwright.evaluator.v1.evaluator_service_pb2_grpc import EvaluatorServiceAsyncStub

BRAND = resources_pb2.Brand(display_name="Nordlys", banned_terms=["cheap"], languages=["en"])
TENT = resources_pb2.Product(
    display_name="Aurora Trail 2",
    specs=[resources_pb2.Spec(label="weight", value="1.9 kg")],
    price=money_pb2.Money(currency_code="EUR", units=249),
)


def text(value: str) -> list[ad_pb2.AdField]:
    return [ad_pb2.AdField(path="text", text=value)]


def outcomes(response: pb.EvaluateTextResponse) -> dict[str, str]:
    return {check.name: ad_pb2.Check.Outcome.Name(check.outcome).removeprefix("OUTCOME_") for check in response.checks}


async def test_a_good_ad_passes_with_a_score(evaluator: "EvaluatorServiceAsyncStub") -> None:
    ad = text("Nordlys Aurora Trail 2: just 1.9 kg on your back, calm nights for 249 €, and room to breathe.")
    request = pb.EvaluateTextRequest(fields=ad, brand=BRAND, products=[TENT])
    response = await evaluator.EvaluateText(request, metadata=as_tenant())
    assert response.passed
    assert response.score > 0.9
    assert outcomes(response) == {
        "banned_terms": "PASSED",
        "brand_named": "PASSED",
        "duplicates": "NOT_APPLICABLE",
        "facts": "PASSED",
        "language": "PASSED",
        "limits": "PASSED",
        "readability": "PASSED",
    }


async def test_checks_come_in_the_order_of_their_names(evaluator: "EvaluatorServiceAsyncStub") -> None:
    response = await evaluator.EvaluateText(pb.EvaluateTextRequest(fields=text("Hello")), metadata=as_tenant())
    names = [check.name for check in response.checks]
    assert names == sorted(names)


async def test_a_wrong_fact_fails_with_what_the_data_says(evaluator: "EvaluatorServiceAsyncStub") -> None:
    request = pb.EvaluateTextRequest(fields=text("Only 1.8 kg!"), products=[TENT], language="en", scorers=["facts"])
    response = await evaluator.EvaluateText(request, metadata=as_tenant())
    assert not response.passed
    (check,) = response.checks
    assert (check.path, check.required) == ("text", True)
    assert "which says “weight: 1.9 kg”" in check.message


async def test_only_the_scorers_asked_for_run(evaluator: "EvaluatorServiceAsyncStub") -> None:
    request = pb.EvaluateTextRequest(fields=text("Hello"), scorers=["readability", "limits"])
    response = await evaluator.EvaluateText(request, metadata=as_tenant())
    assert [check.name for check in response.checks] == ["limits", "readability"]


async def test_a_failed_scorer_that_is_not_required_leaves_the_ad_passed(
    evaluator: "EvaluatorServiceAsyncStub",
) -> None:
    request = pb.EvaluateTextRequest(fields=text("A tent"), brand=BRAND, scorers=["brand_named"])
    response = await evaluator.EvaluateText(request, metadata=as_tenant())
    assert response.passed
    assert outcomes(response) == {"brand_named": "FAILED"}


async def test_the_score_is_unset_when_no_scorer_scored(evaluator: "EvaluatorServiceAsyncStub") -> None:
    request = pb.EvaluateTextRequest(fields=text("A tent"), scorers=["facts", "language"])
    response = await evaluator.EvaluateText(request, metadata=as_tenant())
    assert set(outcomes(response).values()) == {"NOT_APPLICABLE"}
    assert not response.HasField("score")
    assert response.passed


async def test_the_limits_of_the_named_format_hold(evaluator: "EvaluatorServiceAsyncStub") -> None:
    fields = [ad_pb2.AdField(path="headlines[0]", text="x" * 31)]
    request = pb.EvaluateTextRequest(fields=fields, format="formats/google-rsa", scorers=["limits"])
    response = await evaluator.EvaluateText(request, metadata=as_tenant())
    paths = [check.path for check in response.checks]
    assert paths == ["headlines[0]", "headlines[1]", "headlines[2]", "descriptions[0]", "descriptions[1]"]


async def test_an_unknown_scorer_is_refused_naming_the_nearest(evaluator: "EvaluatorServiceAsyncStub") -> None:
    request = pb.EvaluateTextRequest(fields=text("Hello"), scorers=["limits", "fact"])
    async with expect_error(grpc.StatusCode.INVALID_ARGUMENT, "UNKNOWN_SCORER") as errors:
        await evaluator.EvaluateText(request, metadata=as_tenant())
    assert errors[0].violations[0].field == "scorers[1]"
    assert "did you mean facts?" in errors[0].message


async def test_an_unknown_format_is_not_found_and_the_known_ones_are_listed(
    evaluator: "EvaluatorServiceAsyncStub",
) -> None:
    request = pb.EvaluateTextRequest(fields=text("Hello"), format="formats/google")
    async with expect_error(grpc.StatusCode.NOT_FOUND, "FORMAT_NOT_FOUND") as errors:
        await evaluator.EvaluateText(request, metadata=as_tenant())
    assert "formats/google-rsa" in errors[0].message


async def test_a_path_that_the_format_does_not_have_is_refused(evaluator: "EvaluatorServiceAsyncStub") -> None:
    request = pb.EvaluateTextRequest(fields=text("Hello"), format="formats/google-rsa")
    async with expect_error(grpc.StatusCode.INVALID_ARGUMENT, "UNKNOWN_PATH") as errors:
        await evaluator.EvaluateText(request, metadata=as_tenant())
    assert errors[0].violations[0].field == "fields[0].path"
    assert "headlines[0]" in errors[0].message


@pytest.mark.parametrize(
    "request_",
    [
        pb.EvaluateTextRequest(),
        pb.EvaluateTextRequest(fields=text("Hello"), language="not a language"),
        pb.EvaluateTextRequest(fields=text("Hello"), scorers=["facts", "facts"]),
    ],
    ids=["no fields", "no language tag", "a scorer twice"],
)
async def test_a_malformed_request_is_refused(
    evaluator: "EvaluatorServiceAsyncStub", request_: pb.EvaluateTextRequest
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await evaluator.EvaluateText(request_, metadata=as_tenant())
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_the_scorers_are_listed_with_what_they_look_at(evaluator: "EvaluatorServiceAsyncStub") -> None:
    response = await evaluator.ListScorers(pb.ListScorersRequest(), metadata=as_tenant())
    required = {scorer.name: scorer.required for scorer in response.scorers}
    assert list(required) == sorted(required)
    assert required["facts"]
    assert not required["language"]
    assert all(scorer.description.endswith(".") for scorer in response.scorers)


async def test_nobody_is_served_without_a_tenant(evaluator: "EvaluatorServiceAsyncStub") -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await evaluator.ListScorers(pb.ListScorersRequest())
    assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
