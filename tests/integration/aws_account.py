"""An AWS account on loopback: moto in this process, which knows callers by their access key, as AWS does, and
holds those that have a policy to it.
"""

from __future__ import annotations

import io
import json
import re
import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import boto3
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from tests.integration.iam_rules import Need, allows, needs
from werkzeug.serving import make_server

__all__ = ["ACCOUNT", "REGION", "Account", "account_on_loopback"]

REGION = "eu-north-1"
ACCOUNT = "123456789012"
_CALLER = re.compile(r"Credential=(?P<caller>[^/]+)/[0-9]+/[^/]+/(?P<service>[^/]+)/")


class Account:
    """What goes on in it. `policies` by caller may be set at any time; a caller without one may do everything."""

    def __init__(self) -> None:
        self.url = ""
        self.policies: dict[str, Mapping[str, Any]] = {}
        self.used: dict[str, set[Need]] = defaultdict(set)
        """What each caller with a policy needed and was allowed."""
        self.refused: list[tuple[str, Need]] = []
        self._moto = DomainDispatcherApplication(create_backend_app)
        self._one_at_a_time = threading.Lock()

    def environ(self, caller: str = "operator") -> dict[str, str]:
        """The AWS variables by which `caller` finds the account."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_REGION": REGION,
            "AWS_ACCESS_KEY_ID": caller,
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def client(self, service: str, caller: str = "operator") -> Any:
        """A boto3 client of `caller`."""
        return boto3.session.Session().client(
            service,
            region_name=REGION,
            endpoint_url=self.url,
            aws_access_key_id=caller,
            aws_secret_access_key="secret",
        )

    def __call__(self, environ: Any, start: Any) -> Iterable[bytes]:
        # Of two transactions at once moto lets both see what was before either, which DynamoDB never does.
        with self._one_at_a_time:
            refusal = self._refusal(environ)
            if refusal is None:
                return list(self._moto(environ, start))
        body = json.dumps({"__type": "AccessDeniedException", "message": f"not allowed: {refusal}"}).encode()
        start("400 Bad Request", [("content-type", "application/x-amz-json-1.0"), ("content-length", str(len(body)))])
        return [body]

    def _refusal(self, environ: Any) -> Need | None:
        found = _CALLER.search(environ.get("HTTP_AUTHORIZATION", ""))
        if found is None or (policy := self.policies.get(found["caller"])) is None:
            return None
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        operation = environ["HTTP_X_AMZ_TARGET"].rpartition(".")[2]
        for need in needs(found["service"], operation, json.loads(body), REGION, ACCOUNT):
            if not allows(policy, need):
                self.refused.append((found["caller"], need))
                return need
            self.used[found["caller"]].add(need)
        return None


@contextmanager
def account_on_loopback() -> Iterator[Account]:
    """The account while it is there. Other tests of this process may have left something in it."""
    account = Account()
    server = make_server("127.0.0.1", 0, account, threaded=True, request_handler=MotoRequestHandler)
    account.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield account
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
