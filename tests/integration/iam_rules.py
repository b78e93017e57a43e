"""What a request to DynamoDB or Secrets Manager needs to be allowed, and whether a role's policy allows it.

Small on purpose: policies of services name actions and resources, and no conditions. What a request needs is in the
Service Authorization Reference and "Actions, resources, and condition keys for Amazon DynamoDB" of AWS.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

__all__ = ["Need", "actions_allowed", "allows", "needs"]

Need = tuple[str, str]
"""An action, `dynamodb:GetItem`, and the ARN of what it is done to."""

# A transaction needs no action of its own, but that of each operation in it.
_IN_TRANSACTION = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
}


def needs(service: str, operation: str, body: Mapping[str, Any], region: str, account: str) -> Iterator[Need]:
    """Everything that must be allowed for a request; of the services that adwright calls."""
    if service == "secretsmanager":
        name = str(body["SecretId"])
        arn = name if name.startswith("arn:") else f"arn:aws:secretsmanager:{region}:{account}:secret:{name}-??????"
        yield f"secretsmanager:{operation}", arn
        return
    assert service == "dynamodb", service

    def table(name: str) -> str:
        return name if name.startswith("arn:") else f"arn:aws:dynamodb:{region}:{account}:table/{name}"

    if operation == "TransactWriteItems":
        for item in body["TransactItems"]:
            for kind, request in item.items():
                yield f"dynamodb:{_IN_TRANSACTION[kind]}", table(request["TableName"])
    elif operation in ("BatchGetItem", "BatchWriteItem"):
        for name in body["RequestItems"]:
            yield f"dynamodb:{operation}", table(name)
    else:
        yield f"dynamodb:{operation}", table(str(body["TableName"]))


def allows(policy: Mapping[str, Any], need: Need) -> bool:
    """Whether a policy document allows it. Raises AssertionError for what is not understood here."""
    action, resource = need
    allowed = False
    for statement in _list(policy["Statement"]):
        assert not statement.keys() - {"Sid", "Effect", "Action", "Resource"}, statement
        assert statement["Effect"] == "Allow", statement
        if any(fnmatchcase(action, pattern) for pattern in _list(statement["Action"])):
            # The random end of a secret's ARN is known to AWS alone, so either side may have the pattern.
            allowed |= any(
                fnmatchcase(resource, pattern) or fnmatchcase(pattern, resource)
                for pattern in _list(statement["Resource"])
            )
    return allowed


def actions_allowed(policy: Mapping[str, Any]) -> set[Need]:
    """Every pair of an action and a resource that a policy allows, patterns as they stand there."""
    return {
        (action, resource)
        for statement in _list(policy["Statement"])
        for action in _list(statement["Action"])
        for resource in _list(statement["Resource"])
    }


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
