"""A gateway that cannot read its store says so in one line when it starts."""

from typing import Any

import pytest

from adwright_docstore import StoreUnavailable
from adwright_gateway.doorkeeper import Doorkeeper
from adwright_gateway.keys import KeyStore
from adwright_resources.stores import utc_now
from adwright_servicekit.errors import Unavailable


class Unreachable:
    async def query(self, *_: Any, **__: Any) -> Any:
        raise StoreUnavailable("the DynamoDB table adwright-gateway did not answer within 10 s")


async def test_a_store_that_does_not_answer_is_an_error_of_the_tree_with_the_stores_words() -> None:
    store: Any = Unreachable()
    with pytest.raises(Unavailable, match="keys cannot be read, so nobody could call: the DynamoDB table"):
        await Doorkeeper(KeyStore(store, utc_now), utc_now).bootstrap("adw_some_secret_0123456789")
