"""Errors as pages: what is the matter, and the next step."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlsplit

import orjson
from litestar import Response
from litestar.exceptions import HTTPException

from xrm_core.kernel.errors import Unauthenticated, XrmError
from xrm_core.web import i18n, render
from xrm_core.web.frame import html, redirect, shell
from xrm_core.web.pages import MessagePage
from xrm_core.web.services import VISIT, Req, Visit, locale_of, managers

log = logging.getLogger("xrm.web")
TITLES = {
    400: "This address cannot be understood",
    403: "You may not do this",
    404: "This page does not exist",
    405: "This page does not exist",
    409: "This cannot be done now",
    412: "Somebody changed this record meanwhile",
    413: "This is too large",
    422: "This is not valid",
    429: "Too many attempts",
    500: "Something went wrong",
    503: "The database cannot be reached",
}
ICONS = {403: "lock", 404: "search-x", 405: "search-x", 429: "timer", 503: "cloud"}


def known_problem(request: Req, error: XrmError) -> Response[bytes]:
    """An error that was raised on purpose; who is not signed in goes to the form first."""
    if isinstance(error, Unauthenticated):
        return _sign_in(request)
    if _wants_json(request):
        body = {"title": error.problems[0].message if error.problems else "", "problems": _told(error)}
        return Response(orjson.dumps(body), status_code=error.status, media_type="application/problem+json")
    details = tuple(problem.message + (f" {problem.hint}" if problem.hint else "") for problem in error.problems)
    return _message(request, error.status, details)


def _wants_json(request: Req) -> bool:
    return request.headers.get("accept", "").startswith("application/json")


def _told(error: XrmError) -> list[dict[str, str]]:
    return [problem.as_dict() for problem in error.problems]


def http_problem(request: Req, error: HTTPException) -> Response[bytes]:
    """An error of the framework: no such path, wrong method, too large."""
    return _message(request, error.status_code, ())


def unexpected(request: Req, error: Exception) -> Response[bytes]:
    """A fault of ours; the log has it all under the reference."""
    log.exception("page failed", exc_info=error, extra={"request_id": request.scope.get("xrm_request_id")})
    return _message(request, 500, ())


def _sign_in(request: Req) -> Response[bytes]:
    scope = request.scope
    here = _address(request)
    onward = here if scope["method"] == "GET" and scope["path"] != "/" else ""
    sent_from = urlsplit(request.headers.get("referer", ""))
    if scope["method"] == "POST" and sent_from.netloc == request.headers.get("host"):
        # Back to the form that was sent; the browser has kept what was typed.
        onward = sent_from.path + (f"?{sent_from.query}" if sent_from.query else "")
    url = f"/login?next={quote(onward, safe='')}" if onward else "/login"
    if request.headers.get("hx-request") == "true" or _wants_json(request):
        return Response(b"", status_code=401, headers={"HX-Redirect": url})
    return redirect(url)


def _address(request: Req) -> str:
    query = request.scope["query_string"].decode("latin-1")
    return str(request.scope["path"]) + (f"?{query}" if query else "")


def _message(request: Req, status: int, details: tuple[str, ...]) -> Response[bytes]:
    here: Visit | None = request.scope.get(VISIT)  # type: ignore[assignment]
    locale = here.locale if here is not None else locale_of(request, None)
    t = i18n.translator(locale)
    title = t(TITLES.get(status, TITLES[500]))
    text = (
        " ".join(details) or t("The address may be wrong, or what it showed is gone.")
        if status == 404
        else " ".join(details)
    )
    if status >= 500:
        text = t("Nothing was changed. Try again; if it stays like this, tell the reference to your administrator.")
    if status == 403 and here is not None and (names := managers(here.caller)):
        text += " " + here.t("Ask {names}: they give rights in this workspace.", names=", ".join(names[:3]))
    again = status >= 500 and request.scope["method"] == "GET"
    reference = str(request.scope.get("xrm_request_id", "")) if status >= 500 else ""
    view = MessagePage(
        status,
        title,
        text,
        ICONS.get(status, "triangle-alert"),
        reference,
        action_label=t("Try again") if again else "",
        action_url=_address(request) if again else "",
    )
    if here is not None:
        frame = shell(here, title)
        return html(render.page(view, frame), frame.nonce, status=status)
    return html(render.message(view, locale), status=status)


EXCEPTION_HANDLERS: dict[int | type[Exception], Callable[[Any, Any], Response[Any]]] = {
    XrmError: known_problem,
    HTTPException: http_problem,
    Exception: unexpected,
}
