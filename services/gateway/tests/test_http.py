"""The HTTP door: the same methods, rules and errors as over gRPC."""

import json
from collections.abc import AsyncIterator, Iterator

import httpx2
import pytest
from behind import KEY, Edge

BODY = {"brand": "nordlys", "products": ["aurora-trail-2"], "format": "google-rsa"}


@pytest.fixture
async def http(edge: Edge) -> AsyncIterator[httpx2.AsyncClient]:
    headers = {"authorization": f"Bearer {KEY}"}
    async with httpx2.AsyncClient(base_url=edge.url, headers=headers, timeout=10) as client:
        yield client


async def test_an_ad_is_one_object(http: httpx2.AsyncClient, edge: Edge) -> None:
    answer = await http.post("/v1/ads:generate", json=BODY | {"variantCount": 2})
    assert answer.status_code == 200, answer.text
    made = answer.json()
    assert (made["state"], made["started"]["format"]) == ("STATE_COMPLETED", "formats/google-rsa")
    assert made["completed"]["traceId"] == "0" * 32
    assert edge.generator.asked[0].variant_count == 2
    assert edge.context.asked[0][0] == "demo"


async def test_a_tenant_named_from_outside_does_not_count(http: httpx2.AsyncClient, edge: Edge) -> None:
    answer = await http.get("/v1/brands/nordlys", headers={"x-adwright-tenant": "somebody-else"})
    assert answer.json()["displayName"] == "demo"


async def test_names_in_the_address_reach_the_service(http: httpx2.AsyncClient) -> None:
    answer = await http.get("/v1/brands/nordlys")
    assert answer.json()["name"] == "brands/nordlys"
    assert answer.headers["cache-control"] == "no-store"


PROBLEMS = {
    "no key": ("GET", "/v1/brands/nordlys", {"headers": {"authorization": ""}}, 401, "API_KEY_MISSING"),
    "unknown key": (
        "GET",
        "/v1/brands/nordlys",
        {"headers": {"authorization": "Bearer adw_not_ours_1234567"}},
        401,
        "API_KEY_INVALID",
    ),
    "unknown brand": ("POST", "/v1/ads:generate", {"json": BODY | {"brand": "nobody"}}, 404, "BRAND_NOT_FOUND"),
    "bad field": ("POST", "/v1/ads:generate", {"json": BODY | {"variantCount": 9}}, 400, "INVALID_INPUT"),
    "wrong type": ("POST", "/v1/ads:generate", {"json": BODY | {"variantCount": "many"}}, 400, "MALFORMED_REQUEST"),
    "unknown field": ("POST", "/v1/ads:generate", {"json": BODY | {"breif": "x"}}, 400, "UNKNOWN_FIELD"),
    "no JSON": ("POST", "/v1/ads:generate", {"content": b'{"brand": '}, 400, "MALFORMED_REQUEST"),
    "a list": ("POST", "/v1/ads:generate", {"content": b"[]"}, 400, "MALFORMED_REQUEST"),
    "no UTF-8": ("POST", "/v1/ads:generate", {"content": b'{"brand": "\xff"}'}, 400, "MALFORMED_REQUEST"),
    "too deep": ("POST", "/v1/ads:generate", {"content": b'{"a":' * 100_000}, 400, "MALFORMED_REQUEST"),
    "no such address": ("GET", "/v1/nothing", {}, 404, "ROUTE_NOT_FOUND"),
    "no such method": ("DELETE", "/v1/ads:generate", {}, 405, "METHOD_NOT_ALLOWED"),
    "too large": ("POST", "/v1/ads:generate", {"content": b" " * 3_000_000}, 413, "REQUEST_TOO_LARGE"),
    "unknown parameter": ("GET", "/v1/brands?pagesize=3", {}, 400, "UNKNOWN_FIELD"),
    "parameter of a wrong type": ("GET", "/v1/brands?pageSize=x", {}, 400, "MALFORMED_REQUEST"),
    "twice": ("GET", "/v1/brands?pageSize=1&pageSize=2", {}, 400, "MALFORMED_REQUEST"),
    "two names": (
        "PATCH",
        "/v1/brands/nordlys",
        {"json": {"name": "brands/other"}},
        400,
        "INVALID_INPUT",
    ),
    "service away": ("GET", "/v1/scorers", {}, 503, "EVALUATOR_UNAVAILABLE"),
}


@pytest.mark.parametrize("case", PROBLEMS)
async def test_mistakes_are_problems(http: httpx2.AsyncClient, case: str) -> None:
    verb, path, options, status, reason = PROBLEMS[case]
    answer = await http.request(verb, path, **options)
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    said = answer.json()
    assert (answer.status_code, said["reason"], said["status"]) == (status, reason, status), said
    assert said["detail"].strip()
    assert said["title"]
    if status == 401:
        assert answer.headers["www-authenticate"] == "Bearer"
    if status == 503:
        assert int(answer.headers["retry-after"]) >= 1


async def test_a_problem_names_the_field_and_the_nearest_name(http: httpx2.AsyncClient) -> None:
    said = (await http.post("/v1/ads:generate", json=BODY | {"breif": "x"})).json()
    assert said["violations"] == [{"field": "breif", "description": "is not known; did you mean brief?"}]
    said = (await http.post("/v1/ads:generate", json=BODY | {"variantCount": 9})).json()
    assert said["violations"][0]["field"] == "variantCount"
    said = (await http.post("/v1/ads:generate", json=BODY | {"variantCount": "many"})).json()
    assert said["violations"][0]["field"] == "variantCount"


async def test_pages_of_other_origins_may_call_only_where_that_is_set(http: httpx2.AsyncClient) -> None:
    answer = await http.get("/v1/brands/nordlys", headers={"origin": "https://evil.example"})
    assert "access-control-allow-origin" not in answer.headers


# The document


async def test_the_document_has_every_method_with_an_address(http: httpx2.AsyncClient, edge: Edge) -> None:
    document = (await http.get("/openapi.json")).json()
    there = {
        (verb.upper(), path) for path, item in document["paths"].items() for verb in item if path.startswith("/v1/")
    }
    assert ("POST", "/v1/ads:generate") in there
    assert ("POST", "/v1/brands/{brand}/products/{product}:undelete") in there
    assert ("PATCH", "/v1/brands/{brand}/exemplars/{exemplar}") in there
    assert ("POST", "/v1/chat/completions") in there
    asked = document["paths"]["/v1/ads:generate"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert asked["required"] == ["brand", "format"]
    assert asked["properties"]["variantCount"]["maximum"] == 8
    assert asked["properties"]["brief"]["description"].startswith("What the ad should say.")
    for operations in document["paths"].values():
        for operation in operations.values():
            assert operation["summary"]
            assert operation["description"]


async def test_every_reference_of_the_document_leads_somewhere(http: httpx2.AsyncClient) -> None:
    text = (await http.get("/openapi.json")).text
    document = json.loads(text)

    def references(node: object) -> Iterator[str]:
        if isinstance(node, dict):
            for key, value in node.items():
                if key == "$ref":
                    yield value
                else:
                    yield from references(value)
        elif isinstance(node, list):
            for value in node:
                yield from references(value)

    found = set(references(document))
    assert found
    for reference in found:
        *_, kind, name = reference.split("/")
        assert name in document["components"][kind], reference


async def test_docs_need_nothing_from_elsewhere(http: httpx2.AsyncClient) -> None:
    page = (await http.get("/docs")).text
    for address in [part.split('"')[0] for part in page.split('src="')[1:] + page.split('href="')[1:]]:
        assert "//" not in address
        assert (await http.get(address)).status_code == 200
