"""What an error of botocore means: ask again, give up, or let the caller decide.

Sources: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html and
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from adwright_docstore.errors import StoreUnavailable

__all__ = ["Absent", "Invalid", "Kind", "Refused", "Verdict", "judge"]

_THROTTLED: Final = frozenset(
    {
        "LimitExceededException",
        "ProvisionedThroughputExceeded",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "SlowDown",
        "Throttling",
        "ThrottlingError",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
_CONFLICTS: Final = frozenset({"TransactionConflict", "TransactionConflictException"})
_REFUSED: Final = frozenset(
    {
        "ConditionalCheckFailedException",
        "ContinuousBackupsUnavailableException",
        "ResourceInUseException",
        "TransactionCanceledException",
        "UnknownOperationException",
    }
)
_CREDENTIALS: Final = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "MissingAuthenticationTokenException",
        "UnrecognizedClientException",
    }
)
_GIVE_CREDENTIALS: Final = "give the process a role, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
_TRUST_IT: Final = "set AWS_CA_BUNDLE to the CA that signed it"


class Kind(Enum):
    """What to do about an error."""

    AGAIN = "nothing was done, and the same call may succeed later"
    UNCERTAIN = "the call may have been carried out, the answer was lost"
    CONFLICT = "another transaction holds an item"
    REFUSED = "the service answered as it should, the caller knows what it means"
    ABSENT = "there is no such table"
    INVALID = "the service finds the call malformed"
    FATAL = "it will not get better by itself"


@dataclass(frozen=True, slots=True)
class Verdict:
    """`code` is the service's or the exception's name.

    `reason` goes on after "the DynamoDB table NAME" and has no data of the call in it.
    """

    kind: Kind
    code: str
    reason: str


class Refused(Exception):
    """An answer that the caller understands.

    `uncertain` says that an earlier attempt of the same call may have been carried out.
    """

    def __init__(self, code: str, response: Mapping[str, Any], uncertain: bool) -> None:
        super().__init__(code)
        self.code = code
        self.response = response
        self.uncertain = uncertain


class Invalid(StoreUnavailable):
    """The service finds the call malformed: another table than ours, or an item grown too large."""


class Absent(StoreUnavailable):
    """There is no such table."""


def judge(error: Exception) -> Verdict:
    """Returns what an exception of a boto3 call means; raises it where it is not one of botocore's."""
    # Loaded here: a process that has no DynamoDB store does without botocore.
    from botocore import exceptions as of

    name = type(error).__name__
    match error:
        case of.ClientError():
            return _answered(error.response)
        case of.NoCredentialsError() | of.PartialCredentialsError() | of.CredentialRetrievalError():
            return Verdict(Kind.FATAL, name, f"cannot be called without AWS credentials: {_GIVE_CREDENTIALS}")
        case of.SSLError():
            return Verdict(Kind.FATAL, name, f"has an endpoint whose certificate is not trusted: {_TRUST_IT}")
        case of.ConnectionError():
            # It was not sent yet: the connection could not be made.
            return Verdict(Kind.AGAIN, name, "cannot be reached: check AWS_REGION, the endpoint and the network")
        case of.HTTPClientError() | of.ChecksumError():
            return Verdict(Kind.UNCERTAIN, name, "does not answer: check the network and the endpoint")
        case of.BotoCoreError():
            return Verdict(Kind.FATAL, name, f"cannot be called ({name}): check the AWS settings")
    raise error


def _answered(response: Mapping[str, Any]) -> Verdict:
    code = str(response.get("Error", {}).get("Code", ""))
    status = int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    if code == "TransactionCanceledException":
        reasons = {str(reason.get("Code")) for reason in response.get("CancellationReasons", ())}
        if "ConditionalCheckFailed" not in reasons:
            if reasons & _THROTTLED:
                return Verdict(Kind.AGAIN, code, "is throttled: try again later, or raise its capacity")
            if reasons & _CONFLICTS:
                return Verdict(Kind.CONFLICT, code, "is busy with other transactions on the same items")
    if code in _THROTTLED:
        return Verdict(Kind.AGAIN, code, "is throttled: try again later, or raise its capacity")
    if code in _CONFLICTS:
        return Verdict(Kind.CONFLICT, code, "is busy with other transactions on the same items")
    if code in _REFUSED:
        return Verdict(Kind.REFUSED, code, "refuses the call")
    if code == "TransactionInProgressException" or status >= 500:
        return Verdict(Kind.UNCERTAIN, code, "has trouble of its own: try again later")
    if code == "ResourceNotFoundException":
        return Verdict(Kind.ABSENT, code, "does not exist in this region and account: create it first")
    if code == "ValidationException":
        return Verdict(Kind.INVALID, code, "does not take the call: check that its key is pk and sk, both strings")
    if code == "AccessDeniedException":
        return Verdict(Kind.FATAL, code, "may not be used with these credentials: allow this role the call on it")
    if code in _CREDENTIALS:
        return Verdict(Kind.FATAL, code, "does not take these credentials: renew them")
    return Verdict(Kind.FATAL, code, f"refuses the call ({code})")
