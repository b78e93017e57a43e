"""The OpenAPI document held against the running gateway by schemathesis: nothing it makes up ends in a 500."""

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from tools.stack import Stack

# A generation with the embedded model takes seconds: these have tests of their own.
_SLOW = ("/v1/ads:generate", "/v1/chat/completions")


def test_no_request_ends_in_a_defect(own_stack: Stack) -> None:
    headers = {"Authorization": f"Bearer {own_stack.environ['ADWRIGHT_API_KEY']}"}
    schema = schemathesis.openapi.from_url(f"http://{own_stack.http_address}/openapi.json")
    tried = 0
    for result in schema.get_all_operations():
        operation = result.ok()
        if operation.path in _SLOW:
            continue
        tried += 1

        @settings(
            max_examples=12,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        def holds(case: schemathesis.Case) -> None:
            answer = case.call(headers=headers, timeout=20)
            said = f"{case.method} {case.formatted_path}: {answer.status_code} {answer.text[:300]}"
            assert answer.status_code < 500 or answer.status_code == 501, said
            if answer.status_code >= 400:
                assert answer.headers["content-type"][0] in ("application/problem+json", "application/json"), said

        strategy = operation.as_strategy()
        given(case=strategy)(holds)()
    assert tried > 30


@pytest.mark.parametrize("path", _SLOW)
def test_bad_bodies_are_refused_where_good_ones_take_long(own_stack: Stack, path: str) -> None:
    headers = {"Authorization": f"Bearer {own_stack.environ['ADWRIGHT_API_KEY']}"}
    schema = schemathesis.openapi.from_url(f"http://{own_stack.http_address}/openapi.json")
    operation = schema[path]["POST"]

    @settings(max_examples=20, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy(generation_mode=schemathesis.GenerationMode.NEGATIVE))
    def refused(case: schemathesis.Case) -> None:
        answer = case.call(headers=headers, timeout=60)
        assert answer.status_code < 500, f"{case.body!r}: {answer.text[:300]}"

    refused()
