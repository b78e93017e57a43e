"""A DynamoDB to test against: moto in this process, its tables, and what can go wrong on the way to it."""

from __future__ import annotations

import io
import json
import os
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import boto3
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.exceptions import ReadTimeoutError
from botocore.httpsession import URLLib3Session
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server

__all__ = [
    "MOTO_CREDENTIALS",
    "Faults",
    "answer",
    "bare_table",
    "lost",
    "moto_server",
    "new_client",
    "refusal",
    "unprocessed",
]

MOTO_CREDENTIALS = {
    "AWS_REGION": "eu-north-1",
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
}

# A fault gets the request and returns an answer, raises, or returns None to let it through.
Fault = Callable[[Any], AWSResponse | None]


@contextmanager
def moto_server() -> Iterator[str]:
    moto, one_at_a_time = DomainDispatcherApplication(create_backend_app), threading.Lock()

    def application(environ: Any, start: Any) -> Any:
        # Of two transactions at once moto lets both see what was before either, which DynamoDB never does.
        with one_at_a_time:
            return moto(environ, start)

    server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=MotoRequestHandler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def new_client(**config: Any) -> Any:
    """A client by the AWS variables, as the store makes one."""
    limits = {"connect_timeout": 1, "read_timeout": 3, "max_pool_connections": 32}
    once = {"mode": "standard", "total_max_attempts": 1}
    region = os.environ.get("AWS_REGION") or None
    return boto3.session.Session().client(
        "dynamodb", region_name=region, config=Config(**{**limits, "retries": once, **config})
    )


@contextmanager
def bare_table(client: Any) -> Iterator[str]:
    """A table with the store's key and nothing else, gone afterwards."""
    name = f"adwright-test-{uuid.uuid4().hex}"
    client.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": part, "AttributeType": "S"} for part in ("pk", "sk")],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
    )
    try:
        client.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1})
        yield name
    finally:
        client.delete_table(TableName=name)


class Faults:
    """What a client meets before its requests leave; `sent` are the bodies it tried to send, by operation."""

    def __init__(self, client: Any) -> None:
        self.sent: list[tuple[str, dict[str, Any]]] = []
        self._next: dict[str, list[Fault]] = {}
        self._always: dict[str, Fault] = {}
        self._lock = threading.Lock()
        client.meta.events.register("before-send.dynamodb", self._meet)

    def once(self, operation: str, *faults: Fault) -> None:
        """The next requests of an operation meet these faults, one each."""
        self._next.setdefault(operation, []).extend(faults)

    def always(self, operation: str, fault: Fault) -> None:
        """Every request of an operation meets this fault."""
        self._always[operation] = fault

    def count(self, operation: str) -> int:
        return sum(name == operation for name, _ in self.sent)

    def bodies(self, operation: str) -> list[dict[str, Any]]:
        return [body for name, body in self.sent if name == operation]

    def _meet(self, request: Any, **_: Any) -> AWSResponse | None:
        target = request.headers["X-Amz-Target"]
        operation = (target.decode() if isinstance(target, bytes) else target).split(".")[1]
        with self._lock:
            self.sent.append((operation, json.loads(request.body)))
            waiting = self._next.get(operation)
            fault = waiting.pop(0) if waiting else self._always.get(operation)
        return fault(request) if fault is not None else None


class _Raw(io.BytesIO):
    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.read()


def answer(status: int, body: Mapping[str, Any]) -> Fault:
    """Answers in the service's place."""
    return lambda request: AWSResponse(request.url, status, {}, _Raw(json.dumps(body).encode()))


def refusal(code: str, status: int = 400, **fields: Any) -> Fault:
    """Answers with an error, whose message holds what no message of ours may repeat."""
    return answer(status, {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": "SECRET", **fields})


def lost(request: Any) -> AWSResponse | None:
    """Lets the service carry the request out, and loses the answer."""
    URLLib3Session().send(request)
    raise ReadTimeoutError(endpoint_url=request.url)


def unprocessed(request: Any) -> AWSResponse | None:
    """Answers a batch with nothing done."""
    items = json.loads(request.body)["RequestItems"]
    undone = {"Responses": {}, "UnprocessedKeys": items, "UnprocessedItems": items}
    return answer(200, undone)(request)
