"""Errors cross the wire and come back as what they were."""

import grpc
import pytest

from adwright_servicekit import errors
from adwright_servicekit.errors import AdwrightError, FieldViolation, InvalidInput
from adwright_servicekit.status import code_of, from_rpc_error, to_grpc_status

ALL = [cls for cls in vars(errors).values() if isinstance(cls, type) and issubclass(cls, AdwrightError)]


def _over_the_wire(error: AdwrightError) -> AdwrightError:
    status = to_grpc_status(error)
    trailing = grpc.aio.Metadata(*status.trailing_metadata)
    received = grpc.aio.AioRpcError(status.code, grpc.aio.Metadata(), trailing, details=status.details)
    return from_rpc_error(received, received.code(), received.details() or "")


@pytest.mark.parametrize("cls", [cls for cls in ALL if cls is not AdwrightError], ids=lambda cls: cls.__name__)
def test_every_error_keeps_its_class_reason_and_words(cls: type[AdwrightError]) -> None:
    sent = cls("what is wrong", reason="A_REASON", metadata={"k": "v"}, retry_after=1.5)
    received = _over_the_wire(sent)
    assert type(received) is cls
    assert (received.message, received.reason, received.metadata, received.retry_after) == (
        "what is wrong",
        "A_REASON",
        {"k": "v"},
        1.5,
    )


def test_violations_name_their_fields() -> None:
    received = _over_the_wire(InvalidInput.of("products[0]", "is of another brand"))
    assert received.violations == (FieldViolation("products[0]", "is of another brand"),)
    assert received.message == "products[0]: is of another brand"


def test_a_subclass_has_the_code_of_its_parent() -> None:
    class BackendBusy(errors.ResourceExhausted):
        pass

    assert code_of(BackendBusy("full")) is grpc.StatusCode.RESOURCE_EXHAUSTED


def test_a_status_without_details_has_its_code_as_reason() -> None:
    received = grpc.aio.AioRpcError(grpc.StatusCode.UNAVAILABLE, grpc.aio.Metadata(), grpc.aio.Metadata(), "refused")
    assert from_rpc_error(received, received.code(), "refused").reason == "UNAVAILABLE"
