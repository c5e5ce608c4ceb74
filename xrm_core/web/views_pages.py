"""Saved views on the page: the bar of an edited view, saving it, its settings, and coming back to where one was."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

from litestar import Response, get, post

from xrm_core.access.policy import BUILT_IN
from xrm_core.kernel.errors import NotFound, XrmError
from xrm_core.kernel.labels import label_text
from xrm_core.kernel.problem import Problem
from xrm_core.records import personal, views
from xrm_core.records.unit import Unit
from xrm_core.storage.model import CompiledModule
from xrm_core.web import render
from xrm_core.web.editing import form_of
from xrm_core.web.frame import html, page, redirect, shell
from xrm_core.web.grid_look import PARAMETERS, Look, definition_of, read_look
from xrm_core.web.hx import hx
from xrm_core.web.looking import OWN_FILTER, Looking
from xrm_core.web.services import Req, Visit, caller_of, services_of, visit
from xrm_core.web.views_bar import ViewsBar, ViewSettings

PASSING = frozenset(
    {"cursor", "more", "at", "after", "rows", "last", "lane", "view", "peek", "tab", "fold", OWN_FILTER}
)
"""Parameters that say where one is, not how the list looks."""


def _t(text: str) -> str:
    return text


def look_of(looking: Looking) -> Look:
    """How the list looks at this address."""
    return _read(looking, looking.given)


def _read(looking: Looking, given: dict[str, str]) -> Look:
    default = looking.describer.default_paths(looking.module)
    return read_look(looking.describer, looking.module, looking.definition, given, default)


def edited(looking: Looking, look: Look) -> bool:
    """Whether the address asks for something else than the open view."""
    base, view = _read(looking, {}), looking.view
    if _plain(look) != _plain(base) or tuple(looking.sort) != tuple(view.sort if view else ()):
        return True
    if looking.filters.query:
        return True
    if looking.saved and view is not None:
        return OWN_FILTER in looking.given and looking.filters.text != (view.filter or "")
    return bool(looking.filters.conditions or looking.filters.expression)


def _plain(look: Look) -> dict[str, Any]:
    return definition_of(look, "list", None, ())


def bar_of(looking: Looking, look: Look) -> ViewsBar:
    """The bar above the list."""
    entry = looking.entry
    key = (entry.get("view") or entry["id"]) if entry else ""
    query = urlencode([pair for pair in looking.parameters if pair[0] not in PASSING - {OWN_FILTER}])
    settings = {"view": key, "q": query} if key else {"q": query}
    return ViewsBar(
        looking.module.name,
        key,
        entry["key"] if entry else "",
        looking.named(entry) if entry else "",
        edited(looking, look),
        f"{looking.url}?view={key}" if key else f"{looking.url}?sort=",
        query,
        bool(entry and entry["can_edit"]),
        f"/m/{looking.module.name}/views?{urlencode(settings)}",
    )


async def last_address(here: Visit, module: CompiledModule) -> str:
    """Where this person was in the module; its plain address when they were nowhere yet."""
    query = (await personal.states(here.unit)).get(module.name, "") if here.unit.actor.user_id else ""
    kept = [pair for pair in parse_qsl(query, keep_blank_values=True) if pair[0] != "last"]
    return f"/m/{module.name}?{urlencode(kept)}" if kept else f"/m/{module.name}"


@get("/m/{module:str}/views")
async def view_settings(request: Req) -> Response[bytes]:
    """What can be set about a view; a fragment for its menu, or a page of its own."""
    async with visit(request) as here:
        module = here.unit.module(request.path_params["module"])
        here.unit.policy.require(module.id, "see")
        looking = Looking(here, module)
        await looking.load()
        return await _settings(here, looking, str(request.query_params.get("q", "")))


async def _settings(here: Visit, looking: Looking, query: str, problem: str = "", status: int = 200) -> Response[bytes]:
    module, entry = looking.module, looking.entry
    listed = await views.listed(here.unit, module.name)
    known = next((one for one in listed if entry and one["key"] == entry["key"]), None)
    owner = here.users.get(entry["owner"]) if entry and entry.get("owner") else None
    roles = {
        role.name: label_text(role.label, here.locale) for role in (*BUILT_IN, *here.unit.catalog.definitions.roles)
    }
    colors = (entry or {}).get("definition", {}).get("color") or [{}]
    view = ViewSettings(
        looking.view_model,
        bar_of(looking, look_of(looking)),
        query,
        owner.name if owner else "",
        entry["visibility"] if entry else "shared",
        known["uses"] if known else 0,
        tuple(roles.items()) if here.unit.policy.design and entry and entry["visibility"] == "shared" else (),
        bool(entry and (entry["can_edit"] or (looking.saved and here.unit.policy.design))),
        (str(colors[0].get("hue", "red")), str(colors[0].get("when", ""))),
        problem,
    )
    frame = shell(here, here.t("View"), module=module.name)
    if hx(here.request.headers).partial:
        return html(render.view_settings(view, frame), frame.nonce, status=status)
    return page(here, view, frame, status=status)


@post("/m/{module:str}/views")
async def change_view(request: Req) -> Response[bytes]:
    """Save, save under a new name, rename, share, make the default of a role, remove."""
    caller = await caller_of(request)
    form = await form_of(request, caller)
    name, query = request.path_params["module"], form.text("query")
    given = [pair for pair in parse_qsl(query, keep_blank_values=True) if pair[0] not in PASSING - {OWN_FILTER}]
    if form.text("view"):
        given.append(("view", form.text("view")))
    if form.text("color_when"):
        given = [pair for pair in given if pair[0] != "color"]
        given.append(("color", f"{form.text('color_hue')}~{form.text('color_when')}"))
    async with visit(request, caller) as here:
        module = here.unit.module(name)
        here.unit.policy.require(module.id, "see")
        looking = Looking(here, module, given)
        await looking.load()
        look = look_of(looking)
        definition = definition_of(look, looking.layout, _whole(looking), looking.sort)
        definition |= {
            key: value for key, value in looking.definition.items() if key in _OTHER and key not in definition
        }
        action = _Action(
            looking, form.text("do"), form.text("name"), form.text("visibility"), form.text("role"), definition
        )
        try:
            done = await services_of(request).units.run(caller.workspace, caller.actor, action.run)
        except XrmError as refused:
            text = " ".join(
                problem.message + (f" {problem.hint}" if problem.hint else "") for problem in refused.problems
            )
            return await _settings(here, looking, query, text, refused.status)
        message = here.t(done[1])
    return redirect(f"/m/{name}?view={done[0]}" if done[0] else f"/m/{name}", toast=message)


_OTHER = ("card_fields", "sum", "date_field", "end_field")
"""Parts of a view that other layouts use; saving the list keeps them."""


def _whole(looking: Looking) -> str | None:
    """The filter of the view that is being saved: what the address asks for, and for a defined view its own besides."""
    own = looking.view.filter if looking.view is not None and not looking.saved else None
    text = looking.filters.text
    if own and text:
        return f"({own}) and ({text})"
    return own or text or None


class _Action:
    """One thing done to a view; gives the view to show and what was done."""

    def __init__(
        self, looking: Looking, do: str, name: str, visibility: str, role: str, definition: dict[str, Any]
    ) -> None:
        self.looking, self.do, self.name, self.visibility, self.role = looking, do, name, visibility, role
        self.definition = definition

    async def run(self, unit: Unit) -> tuple[str, str]:
        """Do it in a unit of its own."""
        looking, module = self.looking, self.looking.module.name
        if self.do == "save_as":
            made = await views.create(unit, module, self.name, self.definition, self.visibility or "mine")
            return str(made["id"]), _t("The view was saved")
        if self.do == "default":
            key = looking.entry["key"] if looking.entry else None
            await views.set_default(unit, module, self.role, key)
            return self._here(), _t("The role begins with this view now")
        if looking.entry is None or not looking.saved:
            raise NotFound(Problem("unknown_view", "", "There is no such view."))
        identity = UUID(looking.entry["id"])
        if self.do == "delete":
            await views.remove(unit, identity)
            return "", _t("The view was removed")
        if self.do == "save":
            await views.update(unit, identity, {"definition": self.definition})
            return str(identity), _t("The view was saved")
        changes = {"name": self.name, "visibility": self.visibility}
        await views.update(unit, identity, {key: value for key, value in changes.items() if value})
        return str(identity), _t("The view was saved")

    def _here(self) -> str:
        entry = self.looking.entry
        return str(entry.get("view") or entry["id"]) if entry else ""


LOOKS = PARAMETERS
HANDLERS = [view_settings, change_view]
