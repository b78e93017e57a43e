"""Finding the replicas behind URLs."""

import asyncio
from collections.abc import Sequence

import pytest

from adwright_generator.backends.discovery import Endpoint, discover
from adwright_generator.backends.errors import BackendUnavailable


async def zone(host: str, port: int) -> Sequence[str]:
    addresses = {"two": ["10.0.0.10", "10.0.0.9", "10.0.0.10"], "six": ["fd00::2", "fd00::1"], "one": ["10.0.0.1"]}
    if host == "slow":
        await asyncio.Event().wait()
    if host not in addresses:
        raise OSError("no such name")
    return addresses[host]


async def test_each_address_of_a_name_is_an_endpoint() -> None:
    endpoints = await discover(["http://two:8080"], resolve=zone)
    assert [endpoint.name for endpoint in endpoints] == ["10.0.0.9:8080", "10.0.0.10:8080"]
    assert {endpoint.url for endpoint in endpoints} == {"http://two:8080"}


async def test_the_port_is_that_of_the_scheme_where_none_is_named() -> None:
    endpoints = await discover(["http://one", "https://one"], resolve=zone)
    assert [endpoint.port for endpoint in endpoints] == [80, 443]


async def test_addresses_of_version_6_are_named_in_brackets() -> None:
    assert [endpoint.name for endpoint in await discover(["http://six"], resolve=zone)] == [
        "[fd00::1]:80",
        "[fd00::2]:80",
    ]


async def test_the_order_is_that_of_the_urls() -> None:
    endpoints = await discover(["http://two", "http://one", "http://two"], resolve=zone)
    assert [endpoint.address for endpoint in endpoints] == ["10.0.0.9", "10.0.0.10", "10.0.0.1"]


@pytest.mark.parametrize("bad", ["http://gone", "http://slow"])
async def test_a_name_that_does_not_resolve_does_not_harm_the_others(bad: str) -> None:
    endpoints = await discover([bad, "http://one"], resolve=zone, timeout=0.01)
    assert endpoints == [Endpoint("http://one", "10.0.0.1", 80)]


async def test_it_is_an_error_when_no_name_resolves() -> None:
    with pytest.raises(BackendUnavailable, match="gone"):
        await discover(["http://gone"], resolve=zone)


async def test_an_address_needs_no_name_server() -> None:
    assert await discover(["http://127.0.0.1:8085"]) == [Endpoint("http://127.0.0.1:8085", "127.0.0.1", 8085)]
