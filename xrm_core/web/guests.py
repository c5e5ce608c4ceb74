"""Pages for people without an account: what a secret link opens, and what they do there, without any script."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any
from uuid import UUID

from litestar import Response, get, post
from markupsafe import Markup, escape

from xrm_core.access.attempts import TooManyAttempts
from xrm_core.access.callers import Caller
from xrm_core.definitions.guest_page import GuestChoice
from xrm_core.kernel.actor import SYSTEM
from xrm_core.kernel.errors import Conflict, Invalid, Malformed, NotFound, Stale
from xrm_core.kernel.labels import label_text
from xrm_core.kernel.problem import Problem
from xrm_core.records import guests
from xrm_core.records.attachments import content_of
from xrm_core.records.guests import Opened
from xrm_core.records.unit import Unit
from xrm_core.storage.files import get_file
from xrm_core.storage.model import CompiledModule
from xrm_core.storage.rows import instant
from xrm_core.storage.workspaces import Workspace, get_workspace
from xrm_core.web import formats, i18n, render
from xrm_core.web.accounts import same_site
from xrm_core.web.describe import Describer
from xrm_core.web.formatters import is_empty, pick, show
from xrm_core.web.forms import Filling, FormBuilder
from xrm_core.web.frame import html, redirect
from xrm_core.web.pages import ColumnView
from xrm_core.web.services import Req, Visit, locale_of, people, services_of
from xrm_core.web.views_guests import GuestChoiceView, GuestFact, GuestListView, GuestRow, GuestView
from xrm_core.web.widgets import Form, read_field

_SLUG = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_WIDE = frozenset({"long_text", "rich_text", "json"})
PRIVATE = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex, nofollow"}
"""The address is the key: nobody else may learn it, keep its page or index it."""


@get("/g/{slug:str}/{secret:str}")
async def guest_page(request: Req) -> Response[bytes]:
    """What a link opens."""
    async with _guest(request) as (here, found):
        if found.page is None:
            return _over(here, found)
        await guests.note_visit(here.unit, found)
        return await _page(here, found, Told(saved=request.query_params.get("done") == "1"))


@post("/g/{slug:str}/{secret:str}", status_code=200)
async def guest_acts(request: Req) -> Response[bytes]:
    """What the guest chose there."""
    same_site(request)
    try:
        data = await request.form()
    except (ValueError, KeyError):
        raise Malformed(Problem("form", "", "The form cannot be read.")) from None
    form = Form([(name, value) for name, value in data.multi_items()])
    services = services_of(request)
    told = Told(form.text("choice"), form.text("list"), form.text("target"), form)
    async with _guest(request) as (here, found):
        if found.page is None or found.module is None:
            return _over(here, found)
        try:
            services.guest_brakes.acts.make(str(found.link.id))
        except TooManyAttempts as brake:
            return _too_many(here, brake)
        answers, told.problems = _answers(here, found, told)
        workspace, t = here.unit.workspace, here.t
    # No connection is held meanwhile: the one that acts must not wait for one that waits for it.
    if not told.problems:

        async def work(unit: Unit) -> GuestChoice:
            _, choice, _ = await guests.act(
                unit, request.path_params["secret"], told.choice, answers, of_list=told.of_list or None,
                target_id=_uuid(told.target), expected_version=_number(form.text("version")),
            )  # fmt: skip
            return choice

        try:
            choice = await services.units.run(workspace, SYSTEM, work)
        except Stale:
            told.said = t("This was changed meanwhile. Please look at it again before you decide.")
        except NotFound:
            told.said = t("This cannot be done here now.")
        except Conflict as refused:
            if "ended" in {problem.code for problem in refused.problems}:
                return redirect(_address(request))
            told.said = t("This cannot be done here now.")
        except Invalid as refused:
            told.problems = refused.problems
        else:
            services.hub.nudge(workspace.id)
            return redirect(_address(request) + ("" if choice.ends else "?done=1"))
    async with _guest(request) as (here, found):
        if found.page is None:
            return _over(here, found)
        # The form comes back with what was typed, over the record as it is now.
        return await _page(here, found, told, status=422 if told.problems else 409)


@get("/g/{slug:str}/{secret:str}/files/{file:str}")
async def guest_file(request: Req) -> Response[bytes]:
    """A file that the page shows."""
    async with _guest(request) as (here, found):
        wanted = request.path_params["file"]
        if found.page is None:
            return _over(here, found)
        stored = None
        if wanted in await _files(here, found):
            stored = await get_file(await here.unit.reader(), here.unit.schema, UUID(wanted))
        if stored is None:
            raise NotFound(Problem("not_found", "", here.t("There is no such file.")))
        content = await content_of(here.unit, stored)
    plain = re.sub(r"[^\w.-]", "_", stored.name, flags=re.ASCII) or "file"
    headers = {
        **PRIVATE, "Content-Disposition": f'attachment; filename="{plain}"',
        "Content-Security-Policy": "sandbox; default-src 'none'", "X-Content-Type-Options": "nosniff",
    }  # fmt: skip
    return Response(content, media_type=stored.type, headers=headers)


# -- who is there -----------------------------------------------------------------------------------------------------


class Told:
    """What a form said, and what is to be said about it."""

    def __init__(
        self, choice: str = "", of_list: str = "", target: str = "", form: Form | None = None, *, saved: bool = False
    ) -> None:
        self.choice, self.of_list, self.target, self.form = choice, of_list, target, form
        self.saved, self.said = saved, ""
        self.problems: list[Problem] = []

    def about(self, of_list: str, target: str, choice: str) -> bool:
        """Whether the form was that of this choice."""
        return self.form is not None and (self.of_list, self.target, self.choice) == (of_list, target, choice)


@asynccontextmanager
async def _guest(request: Req) -> AsyncIterator[tuple[Visit, Opened]]:
    """The visit of a guest; whoever tries many addresses has to wait."""
    services = services_of(request)
    client = request.scope.get("client")
    address = client[0] if client else ""
    services.guest_brakes.wrong.require(address)
    workspace = await _workspace(request)
    if workspace is None:
        services.guest_brakes.wrong.make(address)
        raise NotFound(Problem("not_found", "", i18n.translator(locale_of(request, None))(NO_SUCH)))
    # Before there is a unit: one that holds a connection must not wait for a second one.
    users = await people(services, Caller(workspace, SYSTEM, workspace.id, "", ""))
    async with services.units.begin(workspace, SYSTEM) as unit:
        found = await guests.opened(unit, request.path_params["secret"])
        if found is None:
            services.guest_brakes.wrong.make(address)
            raise NotFound(Problem("not_found", "", i18n.translator(locale_of(request, None))(NO_SUCH)))
        caller = Caller(workspace, guests.guest(found.link), found.link.id, "", found.link.recipient)
        yield Visit(request, caller, unit, users, locale_of(request, None)), found


async def _workspace(request: Req) -> Workspace | None:
    slug = request.path_params["slug"]
    if not _SLUG.fullmatch(slug):
        return None
    try:
        found = await get_workspace(services_of(request).units.database, slug)
    except NotFound:
        return None
    return found if found.archived_at is None else None


NO_SUCH = "This link is not valid. Check that the address is complete, or ask for a new one."
_OVER = {
    "used": ("This link was used", "check"),
    "expired": ("This link has expired", "clock"),
    "withdrawn": ("This link was withdrawn", "circle-x"),
    "closed": ("There is nothing to do here any more", "check"),
}


def _over(here: Visit, found: Opened) -> Response[bytes]:
    """A link that does not work (any more): no word about the record."""
    title, mark = _OVER.get(found.standing, _OVER["closed"])
    text = here.t("If you still need it, ask whoever sent it to you for a new one.")
    if found.standing == "used" and found.link.used_at is not None:
        module = here.unit.catalog.modules.get(found.link.module_id)
        choice = _chosen(module, found) if module is not None else None
        at = formats.instant(instant(found.link.used_at), here.locale, here.zone)
        text = here.t("It was used on {time}.", time=at)
        if choice is not None:
            label = label_text(choice.label, here.locale)
            text = here.t("“{choice}” was recorded on {time}.", choice=label, time=at)
            if choice.done is not None:
                text = f"{label_text(choice.done, here.locale)} {text}"
    view = GuestView(here.unit.workspace.name, here.t(title), text, mark, locale=here.locale)
    return _answer(here, view, 200 if found.standing == "used" else 410)


def _chosen(module: CompiledModule, found: Opened) -> GuestChoice | None:
    page = next((one for one in module.definition.guest_pages if one.id == found.link.page), None)
    choices = [*page.choices, *(one for part in page.lists for one in part.choices)] if page is not None else []
    return next((one for one in choices if one.name == found.link.choice), None)


def _too_many(here: Visit, brake: TooManyAttempts) -> Response[bytes]:
    text = here.t("Try again in a few minutes.")
    view = GuestView(here.unit.workspace.name, here.t("Too many attempts"), text, "timer", locale=here.locale)
    answer = _answer(here, view, 429)
    answer.headers["Retry-After"] = str(brake.retry_after)
    return answer


def _answer(here: Visit, view: GuestView, status: int = 200) -> Response[bytes]:
    return html(render.guest(view), here.nonce, status=status, headers=PRIVATE)


def _address(request: Req) -> str:
    return guests.address(request.path_params["slug"], request.path_params["secret"])


# -- the page ---------------------------------------------------------------------------------------------------------


async def _page(here: Visit, found: Opened, told: Told, *, status: int = 200) -> Response[bytes]:
    assert found.page is not None and found.module is not None
    page, module = found.page, found.module
    record = await guests.record(here.unit, found)
    describer = Describer(here)
    action = _address(here.request)
    lists = []
    for one in page.lists:
        target = here.unit.catalog.by_name[one.module]
        columns = describer.columns(target, one.show)
        offered = await guests.offered(here.unit, found, one.choices)
        rows = [
            GuestRow(
                str(row.get("title") or "—"),
                _facts(here, action, [column for column in columns if column.key != "title"], row),
                await _choices(here, target, offered, row, told, of_list=one.name),
            )
            for row in await guests.rows(here.unit, found, one)
        ]
        lists.append(GuestListView(one.name, describer.text(one.label), tuple(rows)))
    offered = await guests.offered(here.unit, found, page.choices)
    view = GuestView(
        here.unit.workspace.name,
        describer.text(page.label),
        describer.text(page.intro),
        action=action,
        facts=_facts(here, action, describer.columns(module, page.show), record),
        lists=tuple(lists),
        choices=await _choices(here, module, offered, record, told),
        problems=tuple(_loose(here, found, told)),
        saved=told.saved,
        recipient=found.link.recipient,
        ends=formats.instant(instant(found.link.expires_at), here.locale, here.zone),
        locale=here.locale,
    )
    return _answer(here, view, status)


def _facts(here: Visit, action: str, columns: Sequence[ColumnView], record: dict[str, Any]) -> tuple[GuestFact, ...]:
    found = []
    for column in columns:
        value = pick(record, column.key)
        if not is_empty(value):
            found.append(GuestFact(column.label, _shown(here, action, column, record), column.type in _WIDE))
    return tuple(found)


def _shown(here: Visit, action: str, column: ColumnView, record: dict[str, Any]) -> Markup:
    """A value without addresses that only members may open."""
    value = pick(record, column.key)
    if column.type == "link" and isinstance(value, dict):
        return escape(str(value.get("title") or "—"))
    if column.type == "file" and isinstance(value, list):
        links = [
            Markup('<a class="ref" href="{}/files/{}" download>{}</a>').format(action, one["id"], one["name"])
            for one in value
        ]
        return Markup(" ").join(links)
    return show(column, record, here.reader)


async def _files(here: Visit, found: Opened) -> set[str]:
    """The ids of the files that the page shows."""
    assert found.page is not None and found.module is not None
    describer = Describer(here)
    shown = [(found.module, found.page.show, [await guests.record(here.unit, found)])]
    for one in found.page.lists:
        shown.append((here.unit.catalog.by_name[one.module], one.show, await guests.rows(here.unit, found, one)))
    ids = set()
    for module, paths, records in shown:
        for column in describer.columns(module, paths):
            if column.type == "file":
                ids |= {str(file["id"]) for record in records for file in pick(record, column.key) or []}
    return ids


async def _choices(
    here: Visit,
    module: CompiledModule,
    choices: Sequence[GuestChoice],
    record: dict[str, Any],
    told: Told,
    *,
    of_list: str = "",
) -> tuple[GuestChoiceView, ...]:
    builder = FormBuilder(here, module)
    target = str(record["id"]) if of_list else ""
    found = []
    for choice in choices:
        mine = told.about(of_list, target, choice.name)
        filling = Filling(record, told.form if mine else None, told.problems if mine else [])
        widgets = []
        for name in choice.ask:
            widget = await builder.widget(name, filling)
            if widget is not None:
                prefix = "-".join(part for part in ("g", target, choice.name) if part)
                widgets.append(replace(widget, prefix=prefix, required=name in choice.required))
        label = label_text(choice.label, here.locale)
        found.append(GuestChoiceView(choice.name, label, tuple(widgets), mine, target, int(record["version"])))
    return tuple(found)


def _answers(here: Visit, found: Opened, told: Told) -> tuple[dict[str, Any], list[Problem]]:
    """What was typed into the questions of the choice; nothing else of the form counts."""
    assert found.page is not None and found.module is not None and told.form is not None
    module, choices = found.module, found.page.choices
    if told.of_list:
        one = next((one for one in found.page.lists if one.name == told.of_list), None)
        if one is None:
            return {}, []
        module, choices = here.unit.catalog.by_name[one.module], one.choices
    choice = next((one for one in choices if one.name == told.choice), None)
    builder = FormBuilder(here, module)
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    for name in choice.ask if choice is not None else ():
        if told.form.has(name):
            values[name], wrong = read_field(told.form, module.fields[name].definition, builder.context)
            problems += wrong
    return values, problems


def _loose(here: Visit, found: Opened, told: Told) -> list[str]:
    """What no question of the form says; what stands behind it is not told to guests."""
    assert found.page is not None
    choices = found.page.choices
    if told.of_list:
        choices = next((one.choices for one in found.page.lists if one.name == told.of_list), ())
    asked = next((choice.ask for choice in choices if choice.name == told.choice), ())
    others = [one for one in told.problems if one.path.removeprefix("/").partition("/")[0] not in asked]
    said = [told.said] if told.said else []
    return [*said, here.t("This cannot be done here now.")] if others else said


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


HANDLERS = [guest_page, guest_acts, guest_file]
