"""Errors over HTTP: problem+json (RFC 9457) with the same codes, reasons and fields as over gRPC."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import grpc
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from adwright_servicekit.errors import AdwrightError, FieldViolation, Internal, InvalidInput
from adwright_servicekit.status import DOMAIN, code_of
from adwright_servicekit.telemetry import trace_id

__all__ = ["MEDIA_TYPE", "headers_of", "install", "invalid_input", "problem", "problem_response", "status_of"]

MEDIA_TYPE: Final = "application/problem+json"

# As google.rpc.Code says, https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto
_STATUS: Final = {
    grpc.StatusCode.INVALID_ARGUMENT: 400,
    grpc.StatusCode.FAILED_PRECONDITION: 400,
    grpc.StatusCode.OUT_OF_RANGE: 400,
    grpc.StatusCode.UNAUTHENTICATED: 401,
    grpc.StatusCode.PERMISSION_DENIED: 403,
    grpc.StatusCode.NOT_FOUND: 404,
    grpc.StatusCode.ABORTED: 409,
    grpc.StatusCode.ALREADY_EXISTS: 409,
    grpc.StatusCode.RESOURCE_EXHAUSTED: 429,
    grpc.StatusCode.INTERNAL: 500,
    grpc.StatusCode.UNAVAILABLE: 503,
    grpc.StatusCode.DEADLINE_EXCEEDED: 504,
}
_OF_HTTP: Final = {
    404: ("ROUTE_NOT_FOUND", "there is no such address: /docs lists those there are"),
    405: ("METHOD_NOT_ALLOWED", "this address does not take this method: /docs lists those it takes"),
    413: ("REQUEST_TOO_LARGE", "the body is larger than this server takes: send less in one request"),
}


def status_of(error: AdwrightError) -> int:
    """The HTTP status of an error."""
    return 413 if error.reason == "REQUEST_TOO_LARGE" else _STATUS.get(code_of(error), 500)


def problem(error: AdwrightError) -> dict[str, Any]:
    """The error as a problem details object."""
    code = code_of(error)
    said: dict[str, Any] = {
        "type": f"urn:{DOMAIN}:error:{error.reason}",
        "title": code.name.replace("_", " ").capitalize(),
        "status": status_of(error),
        "detail": error.message,
        "code": code.name,
        "reason": error.reason,
    }
    if error.metadata:
        said["metadata"] = error.metadata
    if error.violations:
        # As the field is spelled in JSON.
        said["violations"] = [
            {"field": re.sub(r"_([a-z])", lambda found: found[1].upper(), v.field), "description": v.description}
            for v in error.violations
        ]
    if error.quotas:
        said["quotas"] = [{"subject": q.subject, "description": q.description} for q in error.quotas]
    if error.retry_after is not None:
        said["retryAfter"] = error.retry_after
    return said


def headers_of(error: AdwrightError) -> dict[str, str]:
    """What a client can act on without reading the body."""
    headers = {"cache-control": "no-store"}
    if status_of(error) == 401:
        headers["www-authenticate"] = "Bearer"
    if error.retry_after is not None:
        headers["retry-after"] = str(max(1, math.ceil(error.retry_after)))
    return headers


def problem_response(error: AdwrightError) -> Response:
    """The whole answer."""
    return JSONResponse(problem(error), status_of(error), headers_of(error), MEDIA_TYPE)


def invalid_input(errors: Sequence[Mapping[str, Any]]) -> InvalidInput:
    """The error of what pydantic found, each with its place `loc` and its words `msg`."""
    violations = tuple(FieldViolation(".".join(str(part) for part in each["loc"]), each["msg"]) for each in errors)
    said = "; ".join(f"{v.field}: {v.description}" if v.field else v.description for v in violations[:3])
    return InvalidInput(said, violations=violations)


def install(app: FastAPI) -> None:
    """Has the app answer every error in this form, those of the framework too."""

    async def ours(request: Request, error: Exception) -> Response:
        assert isinstance(error, AdwrightError)
        return problem_response(error)

    async def framework(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        reason, detail = _OF_HTTP.get(error.status_code, ("HTTP_ERROR", str(error.detail)))
        said = {"type": f"urn:{DOMAIN}:error:{reason}", "title": str(error.detail), "status": error.status_code}
        return JSONResponse(said | {"detail": detail, "reason": reason}, error.status_code, error.headers, MEDIA_TYPE)

    async def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        # A place begins with what of the request it is in: the query, a header.
        return problem_response(invalid_input([each | {"loc": each["loc"][1:]} for each in error.errors()]))

    async def defect(request: Request, error: Exception) -> Response:
        return problem_response(Internal(f"internal error; the service's log has it under trace {trace_id()}"))

    app.add_exception_handler(AdwrightError, ours)
    app.add_exception_handler(HTTPException, framework)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(Exception, defect)
