"""The frame of a page: navigation, user, preferences, and the message left by the request before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import quote, unquote

from litestar import Response

from xrm_core.web import render, shortcuts
from xrm_core.web.describe import Describer
from xrm_core.web.pages import Density, FavouriteView, NavItem, Shell, Theme, Toast, UserView
from xrm_core.web.services import Visit

TOAST_COOKIE = "xrm_toast"
NAV_COOKIE = "xrm_nav"
"""Set by the scripts: how wide the navigation is in this browser."""
HTML = "text/html"


def shell(visit: Visit, title: str, *, module: str = "", create_url: str | None = None, place: str = "") -> Shell:
    """The frame for one page; `module` or `place` is what the navigation marks."""
    describer = Describer(visit)
    nav = []
    taken = {shortcuts.TODAY}
    for compiled in describer.modules():
        view = describer.module(compiled)
        letter = (compiled.definition.shortcut or "").lower() or None
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
        theme=theme_of(settings.get("theme") or caller.theme),
        density=cast(Density, settings.get("density") if settings.get("density") in DENSITIES else "default"),
        shortcuts=settings.get("single_keys", True) is not False,
        path=visit.request.scope["path"]
        + (f"?{visit.request.scope['query_string'].decode('latin-1')}" if visit.request.scope["query_string"] else ""),
        create_url=create_url,
        toasts=_toasts(visit),
        place=place,
        favourites=_favourites(visit, describer),
        unread=visit.unread,
        remapped=shortcuts.translation(settings.get("shortcuts")),
        narrow=visit.request.cookies.get(NAV_COOKIE) == "narrow",
        imports=visit.unit.policy.import_records,
        designs=visit.unit.policy.design,
    )


def _favourites(visit: Visit, describer: Describer) -> tuple[FavouriteView, ...]:
    found = []
    for one in visit.favourites:
        module = visit.unit.catalog.by_name.get(one["module"])
        if module is None:
            continue
        view = describer.module(module)
        title, url = one["title"], view.url
        if one["kind"] == "module":
            title = view.label_plural
        elif one["kind"] == "record":
            url = f"{view.url}/{one['target']}"
        else:
            defined = next((v for v in module.definition.views if one["target"] == f"{module.id}.{v.id}"), None)
            title = describer.text(defined.label) if defined is not None else title
            url = f"{view.url}?view={quote(defined.name if defined is not None else one['target'], safe='')}"
        found.append(FavouriteView(one["kind"], one["target"], one["module"], title, url, view.icon))
    return tuple(found)


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
