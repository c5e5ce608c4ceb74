"""The frame of a page: navigation, user, preferences, and the message left by the request before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import quote, unquote

from litestar import Response

from xrm_core.web import render
from xrm_core.web.describe import Describer
from xrm_core.web.pages import Density, NavItem, Shell, Theme, Toast, UserView
from xrm_core.web.services import Visit

TOAST_COOKIE = "xrm_toast"
HTML = "text/html"


def shell(visit: Visit, title: str, *, module: str = "", create_url: str | None = None) -> Shell:
    """The frame for one page; `module` is the one that the navigation marks."""
    describer = Describer(visit)
    nav = []
    taken: set[str] = set()
    for compiled in describer.modules():
        view = describer.module(compiled)
        letter = compiled.definition.shortcut
        if letter in taken:
            letter = None
        taken |= {letter} if letter else set()
        nav.append(
            NavItem(
                view.name,
                view.label_plural,
                view.icon,
                view.url,
                letter,
                view.name == module,
                view.create_url,
                view.label,
            )
        )
    caller, settings = visit.caller, visit.caller.preferences
    return Shell(
        title=title,
        workspace=caller.workspace.name,
        user=UserView(str(caller.account_id), caller.name, caller.email),
        nav=tuple(nav),
        csrf=caller.csrf or "",
        nonce=visit.nonce,
        locale=visit.locale,
        theme=theme_of(caller.theme),
        density=cast(Density, settings.get("density") if settings.get("density") in DENSITIES else "default"),
        shortcuts=settings.get("shortcuts") != "off",
        path=visit.request.scope["path"]
        + (f"?{visit.request.scope['query_string'].decode('latin-1')}" if visit.request.scope["query_string"] else ""),
        create_url=create_url,
        toasts=_toasts(visit),
    )


DENSITIES = ("compact", "default", "comfortable")
THEMES = ("system", "light", "dark")


def theme_of(value: str | None) -> Theme:
    """A theme that exists."""
    return cast(Theme, value if value in THEMES else "system")


def _toasts(visit: Visit) -> tuple[Toast, ...]:
    kind, _, text = unquote(visit.request.cookies.get(TOAST_COOKIE, "")).partition(":")
    return (Toast(text[:300], "bad" if kind == "bad" else "ok"),) if text else ()


def html(body: str, nonce: str = "", *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response[bytes]:
    """An HTML answer with the headers that every one has."""
    found = {
        **render.security_headers(nonce),
        "Cache-Control": "private, no-cache",
        "Vary": "HX-Request, Cookie",
        **(headers or {}),
    }
    return Response(body.encode(), status_code=status, media_type=HTML, headers=found)


def page(visit: Visit, view: render.AnyPage, frame: Shell, *, status: int = 200) -> Response[bytes]:
    """A whole page; a message that it showed is taken away."""
    headers: dict[str, str] = {}
    if frame.toasts:
        headers["Set-Cookie"] = f"{TOAST_COOKIE}=; Path=/; Max-Age=0; SameSite=Lax"
    return html(render.page(view, frame), frame.nonce, status=status, headers=headers)


def redirect(url: str, *, toast: str = "", kind: str = "ok", cookies: tuple[str, ...] = ()) -> Response[bytes]:
    """Go on to another page of ours, which shows the message."""
    answer: Response[Any] = Response(
        b"", status_code=303, headers={"Location": safe_path(url)}, media_type="text/plain"
    )
    if toast:
        cookies = (
            *cookies,
            f"{TOAST_COOKIE}={quote(f'{kind}:{toast}', safe='')}; Path=/; Max-Age=30; SameSite=Lax; HttpOnly",
        )
    for cookie in cookies:
        name, _, rest = cookie.partition("=")
        value, *attributes = rest.split("; ")
        known = {key.lower(): text for key, _, text in (part.partition("=") for part in attributes)}
        answer.set_cookie(
            name,
            value,
            path=known.get("path", "/"),
            max_age=int(known["max-age"]) if "max-age" in known else None,
            httponly="httponly" in known,
            secure="secure" in known,
            samesite="lax",
        )
    return answer


def safe_path(url: str, default: str = "/") -> str:
    """An address of this site; anything that could lead elsewhere becomes the start page."""
    if not url.startswith("/") or url.startswith(("//", "/\\")) or any(ord(c) < 33 or c == "\\" for c in url):
        return default
    return quote(url, safe="/?&=%~+:,@!$'()*;-._#")
