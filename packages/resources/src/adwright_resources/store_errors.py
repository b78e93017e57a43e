"""What a store refuses, in the words of the service."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from adwright_docstore import (
    InvalidItem,
    InvalidPageToken,
    ItemTooLarge,
    StoreUnavailable,
    TransactionConflict,
)
from adwright_servicekit.errors import Conflict, InvalidInput, Unavailable

__all__ = ["translated"]


@contextmanager
def translated() -> Iterator[None]:
    """Raises the service's errors for the store's; a failed condition is left to the caller."""
    try:
        yield
    except InvalidPageToken:
        raise InvalidInput.of(
            "page_token",
            "belongs to another list: start again without one",
            reason="PAGE_TOKEN_INVALID",
        ) from None
    except ItemTooLarge as error:
        raise InvalidInput(
            f"the resource takes {error.size} bytes and {error.limit} can be kept: shorten it",
            reason="RESOURCE_TOO_LARGE",
            metadata={"size": str(error.size), "limit": str(error.limit)},
        ) from None
    except InvalidItem as error:
        raise InvalidInput(f"the resource cannot be kept: {error}", reason="RESOURCE_INVALID") from None
    except TransactionConflict:
        raise Conflict("somebody else is writing the same resources: try again", reason="WRITE_CONFLICT") from None
    except StoreUnavailable as error:
        raise Unavailable(
            "the store does not answer: try again later",
            reason="STORE_UNAVAILABLE",
            retry_after=1.0,
        ) from error
