"""The promises of a store as tests, for every driver to pass.

A driver's test module subclasses StoreContract and provides two fixtures: `clock`, a ManualClock,
and `store`, an open and empty store that reads the time from it. Needs the `testing` extra.
"""

import pytest

_PARTS = ("_batches", "_counters", "_expiry", "_items", "_queries", "_refusals", "_selections", "_transactions")
pytest.register_assert_rewrite(*(f"{__name__}.{part}" for part in _PARTS))

from adwright_docstore.testing._batches import BatchContract  # noqa: E402
from adwright_docstore.testing._clock import ManualClock  # noqa: E402
from adwright_docstore.testing._counters import CounterContract  # noqa: E402
from adwright_docstore.testing._expiry import ExpiryContract  # noqa: E402
from adwright_docstore.testing._items import ItemContract  # noqa: E402
from adwright_docstore.testing._queries import QueryContract  # noqa: E402
from adwright_docstore.testing._refusals import RefusalContract  # noqa: E402
from adwright_docstore.testing._selections import SelectionContract  # noqa: E402
from adwright_docstore.testing._transactions import TransactionContract  # noqa: E402

__all__ = ["ManualClock", "StoreContract"]


class StoreContract(
    ItemContract,
    RefusalContract,
    ExpiryContract,
    QueryContract,
    SelectionContract,
    BatchContract,
    TransactionContract,
    CounterContract,
):
    """Everything a store promises. Subclass it as `class TestMyStore(StoreContract)`."""
