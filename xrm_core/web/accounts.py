"""Signing in and out, and what a person prefers."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from litestar import Response, get, post

from xrm_core.access.sessions import cookie_header, no_cookie_header
from xrm_core.kernel.errors import Forbidden, Unauthenticated, XrmError
from xrm_core.kernel.problem import Problem
from xrm_core.web import i18n, render
from xrm_core.web.editing import form_of
from xrm_core.web.frame import DENSITIES, THEMES, html, redirect, safe_path
from xrm_core.web.pages import LoginPage
from xrm_core.web.services import Req, caller_of, locale_of, services_of
from xrm_core.web.settings_pages import remember
from xrm_core.web.widgets import Form

PRODUCT = "XRM"


@get("/login")
async def login_page(request: Req) -> Response[bytes]:
    """The form to sign in; who is signed in already goes on."""
    onward = safe_path(request.query_params.get("next", "/"))
    try:
        await caller_of(request)
    except Unauthenticated:
        return _form(request, onward)
    return redirect(onward)


@post("/login")
async def sign_in(request: Req) -> Response[bytes]:
    """Sign in."""
    same_site(request)
    data = await request.form()
    form = Form([(name, value) for name, value in data.multi_items()])
    onward, email = safe_path(form.text("next") or "/"), form.text("email")
    password = next((value for name, value in form.items if name == "password" and isinstance(value, str)), "")
    client = request.scope.get("client")
    try:
        secret, _ = await services_of(request).sessions.sign_in(
            email, password, address=client[0] if client else "", agent=request.headers.get("user-agent", "")
        )
    except XrmError as refused:
        if refused.status >= 500:
            raise
        t = i18n.translator(locale_of(request, None))
        wrong = t("E-mail or password is not right.") if refused.status == 401 else refused.problems[0].message
        return _form(
            request, onward, email=email, problem=wrong, status=401 if refused.status == 401 else refused.status
        )
    return redirect(onward, cookies=(cookie_header(secret, secure=_secure(request)),))


@post("/logout")
async def sign_out(request: Req) -> Response[bytes]:
    """Sign out; pages kept by the browser are forgotten."""
    try:
        caller = await caller_of(request)
    except Unauthenticated:
        return redirect("/login")
    await form_of(request, caller)
    await services_of(request).sessions.sign_out(caller)
    answer = redirect("/login", cookies=(no_cookie_header(secure=_secure(request)),))
    answer.headers["Clear-Site-Data"] = '"cache"'
    return answer


@post("/preferences")
async def prefer(request: Req) -> Response[bytes]:
    """Remember theme, density, language, shortcuts."""
    caller = await caller_of(request)
    form = await form_of(request, caller)
    settings: dict[str, Any] = {}
    if form.text("density") in DENSITIES:
        settings["density"] = form.text("density")
    if form.text("shortcuts") in ("on", "off"):
        settings["single_keys"] = form.text("shortcuts") == "on"
    if form.text("theme") in THEMES:
        settings["theme"] = form.text("theme")
    if form.text("locale") in i18n.languages():
        settings["language"] = form.text("locale")
    await remember(services_of(request), caller, settings)
    if request.headers.get("hx-request") == "true":
        return Response(b"", status_code=204)
    return redirect(form.text("next") or "/")


def _form(request: Req, onward: str, *, email: str = "", problem: str = "", status: int = 200) -> Response[bytes]:
    nonce = render.new_nonce()
    view = LoginPage(PRODUCT, "", nonce, onward, email, problem, locale_of(request, None))
    return html(render.login(view), nonce, status=status, headers={"Cache-Control": "no-store"})


def same_site(request: Req) -> None:
    """Raises Forbidden for a form that another site sent: nobody signs a visitor into a foreign account."""
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    host = request.headers.get("host", "")
    foreign = site not in (None, "same-origin", "none") or (
        origin not in (None, "null") and urlsplit(origin).netloc != host
    )
    if foreign:
        raise Forbidden(
            Problem("csrf", "", "The form does not come from this site.", "Open the page to sign in again.")
        )


def _secure(request: Req) -> bool:
    return bool(request.scope["scheme"] == "https")


HANDLERS = [login_page, sign_in, sign_out, prefer]
