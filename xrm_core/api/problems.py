"""Errors as problem documents (RFC 9457): every refusal names its problems, every fault its request id."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from litestar import Request, Response
from litestar.exceptions import HTTPException, MethodNotAllowedException

from xrm_core.kernel.errors import XrmError
from xrm_core.kernel.problem import Problem

PROBLEM_JSON = "application/problem+json"
log = logging.getLogger("xrm.api")


class TooLarge(XrmError):
    """The body is larger than the server takes."""

    status = 413
    title = "Too large"


class WrongMediaType(XrmError):
    """The body is not of a kind that this call takes."""

    status = 415
    title = "Wrong media type"


_TITLES = {
    400: "Malformed request", 401: "Not signed in", 403: "Not allowed", 404: "Not found", 405: "Method not allowed",
    406: "Not acceptable", 413: "Too large", 415: "Wrong media type", 429: "Too many attempts", 500: "Internal error",
}  # fmt: skip
_CODES = {404: "no_route", 405: "method", 413: "too_large"}


def document(status: int, title: str, problems: Sequence[Problem], request_id: str) -> bytes:
    """A problem document."""
    slug = title.lower().replace(" ", "-")
    detail = problems[0].message if len(problems) == 1 else f"{len(problems)} problems." if problems else title
    return orjson.dumps(
        {
            "type": f"urn:xrm:problem:{slug}",
            "title": title,
            "status": status,
            "detail": detail,
            "request_id": request_id,
            "problems": [problem.as_dict() for problem in problems],
        }
    )


def refusal(scope: Mapping[str, Any], error: XrmError) -> Response[bytes]:
    """The answer to an error that the product raised on purpose."""
    headers: dict[str, str] = {}
    if error.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    wait = getattr(error, "retry_after", 1 if error.status == 503 else None)
    if wait is not None:
        headers["Retry-After"] = str(wait)
    body = document(error.status, error.title, error.problems, request_id_of(scope))
    return Response(body, status_code=error.status, media_type=PROBLEM_JSON, headers=headers)


def request_id_of(scope: Mapping[str, Any]) -> str:
    """The id of a request, which its log line and its problem document share."""
    return str(scope.get("xrm_request_id", ""))


def on_refusal(request: Request[Any, Any, Any], error: XrmError) -> Response[bytes]:
    """Exception handler for errors of the kernel."""
    if error.status >= 500:
        log.error(
            "%s %s: %s", request.method, request.url.path, error, extra={"request_id": request_id_of(request.scope)}
        )
    return refusal(request.scope, error)


def on_http(request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    """Exception handler for what the framework refuses: unknown address, wrong method, oversized body."""
    status = error.status_code
    if status >= 500:
        if "disconnected" in str(error.detail):  # nobody is there to read the answer, and nothing is wrong here
            return Response(b"", status_code=400)
        return on_fault(request, error)
    title = _TITLES.get(status, "Malformed request")
    path = request.scope.get("path", "")
    if status == 404:
        problem = Problem("no_route", "", f"There is nothing at {path}.", "/api/openapi.json lists all addresses.")
    elif isinstance(error, MethodNotAllowedException):
        allowed = (error.headers or {}).get("allow", "")
        problem = Problem(
            "method", "", f"{request.method} is not possible at {path}.", f"Possible: {allowed}." if allowed else ""
        )
    elif status == 413:
        problem = Problem(
            "too_large", "", "The body is larger than the server takes.", "XRM_BODY_LIMIT_MB sets the limit."
        )
    else:
        problem = Problem(_CODES.get(status, "malformed"), "", str(error.detail or title))
    body = document(status, title, [problem], request_id_of(request.scope))
    return Response(body, status_code=status, media_type=PROBLEM_JSON, headers=dict(error.headers or {}))


def on_fault(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Exception handler for faults of the program: the client learns the request id, the log everything."""
    request_id = request_id_of(request.scope)
    log.error(
        "fault at %s %s", request.method, request.scope.get("path_template") or request.url.path,
        exc_info=error, extra={"request_id": request_id},
    )  # fmt: skip
    problem = Problem(
        "fault", "", "Something went wrong on the server.", f"Tell your administrator the request id {request_id}."
    )
    body = document(500, "Internal error", [problem], request_id)
    return Response(body, status_code=500, media_type=PROBLEM_JSON)


EXCEPTION_HANDLERS: dict[int | type[Exception], Any] = {
    XrmError: on_refusal,
    HTTPException: on_http,
    Exception: on_fault,
}
