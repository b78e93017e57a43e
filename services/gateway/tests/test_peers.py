"""Other services at the gateway: they show the secret of the installation in place of a key."""

import grpc
import pytest
from behind import AD, Edge

from adwright.gateway.v1 import key_service_pb2, key_service_pb2_grpc
from adwright_servicekit.peers import SERVICE_METADATA
from adwright_servicekit.testing import as_tenant, expect_error

SECRET = "what-all-services-share"


@pytest.fixture
def wishes() -> dict[str, str]:
    return {"ADWRIGHT_SERVICE_SECRET": SECRET}


async def test_a_service_has_an_ad_written_for_the_tenant_that_it_works_for(edge: Edge) -> None:
    metadata = (*as_tenant("acme"), (SERVICE_METADATA, SECRET))
    assert [event async for event in edge.ads.GenerateAd(AD, metadata=metadata)]
    assert edge.context.asked[0][0] == "acme"


async def test_without_the_secret_a_tenant_that_is_named_counts_for_nothing(edge: Edge) -> None:
    for metadata in (as_tenant("acme"), (*as_tenant("acme"), (SERVICE_METADATA, "something-else-that-is-long"))):
        async with expect_error(grpc.StatusCode.UNAUTHENTICATED, "API_KEY_MISSING"):
            [_ async for _ in edge.ads.GenerateAd(AD, metadata=metadata)]
    assert edge.context.asked == []


async def test_a_service_manages_no_keys(edge: Edge) -> None:
    keys = key_service_pb2_grpc.KeyServiceStub(edge.channel)
    async with expect_error(grpc.StatusCode.PERMISSION_DENIED, "SCOPE_MISSING"):
        await keys.ListKeys(
            key_service_pb2.ListKeysRequest(), metadata=(*as_tenant("acme"), (SERVICE_METADATA, SECRET))
        )
