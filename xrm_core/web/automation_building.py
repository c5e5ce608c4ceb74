"""Building an automation in the browser: the form, the same as JSON, trying it, and publishing it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import orjson
from litestar import Response, get, post

from xrm_core.automation import arming, telling
from xrm_core.automation.trying import with_record
from xrm_core.definitions import edit
from xrm_core.definitions.automation import Automation
from xrm_core.definitions.checks import check
from xrm_core.definitions.collection import DefinitionSet, body
from xrm_core.definitions.reading import read
from xrm_core.kernel.errors import Invalid, XrmError
from xrm_core.kernel.labels import label_text
from xrm_core.kernel.problem import Problem, pointer
from xrm_core.publishing import apply
from xrm_core.publishing.drafts import Drafts
from xrm_core.publishing.planning import plan_set
from xrm_core.records import read as reading
from xrm_core.records.query import RecordQuery
from xrm_core.web.automation_forms import body_of, changed
from xrm_core.web.automation_inputs import Inputs
from xrm_core.web.automation_tried import past_view, tried_view
from xrm_core.web.automations import HUES, PLACE, state_words
from xrm_core.web.editing import form_of
from xrm_core.web.frame import html, page, redirect, shell
from xrm_core.web.render import fragment
from xrm_core.web.services import Req, Visit, caller_of, services_of, visit
from xrm_core.web.views_automations import BuilderPage, PastView, TriedView
from xrm_core.web.widgets import Form

NEW = "new"
MONTHS = 6
LARGEST = 200_000
_LISTS = ("add", "set", "remove", "up", "down")
_KEPT = ("save", "enable", "draft")


@dataclass(slots=True)
class Work:
    """What somebody is at: the automation as typed, and what came of the last button."""

    name: str
    """The name under which it is published; empty for a new one."""
    body: dict[str, Any]
    base: str = ""
    mode: str = "form"
    json: str = ""
    state: str = "draft"
    told: bool = False
    """Whether everything that is wrong is shown, not only what was touched."""
    problems: list[Problem] = field(default_factory=list)
    record: str = ""
    months: int = MONTHS
    tried: TriedView | None = None
    past: PastView | None = None
    try_problem: str = ""
    focus: str = ""


@get("/automations/new")
async def new_automation(request: Req) -> Response[bytes]:
    """An empty automation; `module` says whose records it is about."""
    async with visit(request) as here:
        here.unit.policy.require_design()
        module = here.unit.catalog.find(request.query_params.get("module", ""))
        given: dict[str, Any] = {"module": module.name} if module is not None else {}
        return await _answer(here, Work("", {**given, "triggers": [], "steps": []}))


@get("/automations/{name:str}/edit")
async def edit_automation(request: Req) -> Response[bytes]:
    """An automation that is there."""
    async with visit(request) as here:
        here.unit.policy.require_design()
        found = edit.find_automation(here.unit.catalog.definitions, request.path_params["name"])
        return await _answer(here, Work(found.name, body(found), _digest(found), state=found.state))


@post("/automations/new", status_code=200)
async def build_new(request: Req) -> Response[bytes]:
    """What a button of the form for a new automation does."""
    return await _build(request, "")


@post("/automations/{name:str}/edit", status_code=200)
async def build(request: Req) -> Response[bytes]:
    """What a button of the form does."""
    return await _build(request, request.path_params["name"])


async def _build(request: Req, name: str) -> Response[bytes]:
    caller = await caller_of(request)
    form = await form_of(request, caller)
    action, _, path = form.text("do").partition(":")
    async with visit(request, caller) as here:
        here.unit.policy.require_design()
        work = _work(here, name, form)
        if work.problems:
            return await _answer(here, work, status=422)
        if action == "check":
            return _checked_answer(here, work)
        if action in _LISTS:
            chosen = form.text(f"pick{path}")
            work.focus = changed(work.body, action, path, chosen)
        elif action == "tab":
            work.mode = "json" if path == "json" else "form"
            work.json = _pretty(work.body)
        elif action not in (*_KEPT, "test", "past", ""):
            raise Invalid(Problem("value", "/do", "There is no such button."))
        automation: Automation | None = None
        if action in _KEPT or action in ("test", "past"):
            work.told = True
            automation, work.problems = proposed(here, work)
            if action in ("test", "past"):
                work.focus = "tried"
            if (
                automation is not None
                and not work.problems
                and action == "test"
                and automation.module
                and not work.record
            ):
                work.record = await _latest(here, automation.module)
        if automation is None or work.problems or action == "past":
            if automation is not None and not work.problems:
                await _past(here, work, automation)
            return await _answer(here, work, status=422 if work.problems else 200)
    # What follows begins transactions of its own.
    if action == "test":
        return await _test(request, work, automation)
    return await _keep(request, work, automation, action)


def _work(here: Visit, name: str, form: Form) -> Work:
    work = Work(
        name, {}, form.text("base"), "json" if form.text("mode") == "json" else "form", told=form.text("told") == "1"
    )
    if name:
        work.state = edit.find_automation(here.unit.catalog.definitions, name).state
    work.record = form.text("record")[:100]
    months = form.text("months")
    work.months = min(max(int(months), 1), 60) if months.isascii() and months.isdigit() and len(months) < 4 else MONTHS
    if work.mode == "form":
        work.body = body_of(form)
        return work
    work.json = next((value for key, value in form.items if key == "json" and isinstance(value, str)), "")[:LARGEST]
    try:
        found = orjson.loads(work.json)
    except orjson.JSONDecodeError as error:
        told = here.t(
            "Line {line}, column {column}: {message}.", line=error.lineno, column=error.colno, message=error.msg
        )
        work.problems = [Problem("json", "/json", told)]
        return work
    if not isinstance(found, dict):
        work.problems = [Problem("type", "/json", here.t("An automation is a JSON object."))]
        return work
    work.body = {key: value for key, value in found.items() if key not in ("$schema", "state", "id")}
    if form.text("do") == "tab:form":
        _, problems = proposed(here, work)
        work.problems = [one for one in problems if one.code in ("type", "unknown_key", "unknown_type")]
    return work


def proposed(here: Visit, work: Work) -> tuple[Automation | None, list[Problem]]:
    """The automation as it would be published, and everything that is wrong with it or that it makes wrong."""
    definitions: DefinitionSet = here.unit.catalog.definitions
    try:
        wanted = _with(definitions, work.name, work.body, work.state)
    except XrmError as wrong:
        problems = [one for one in wrong.problems if one.path != "/name" or work.body.get("label")]
        return None, problems
    old = {one.id: one for one in definitions.automations}
    made = next((one for one in wanted.automations if old.get(one.id) is not one and old.get(one.id) != one), None)
    if made is None:
        return edit.find_automation(definitions, work.name), []
    if made.name == NEW:
        return None, [
            Problem("reserved", "/name", here.t("'new' is the address of this page."), here.t("Choose another name."))
        ]
    memo, key = here.unit.catalog.memo, f"problems of all {here.locale}"  # they are said in somebody's language
    if key not in memo:
        memo[key] = frozenset(check(definitions))
    place = pointer("automations", made.name)
    found = [one for one in check(wanted) if one not in memo[key]]
    return made, [replace(one, path=one.path.removeprefix(place)) for one in found]


def _with(definitions: DefinitionSet, name: str, data: Mapping[str, Any], state: str) -> DefinitionSet:
    """The definitions with the automation in them."""
    if not name:
        return edit.add_automation(definitions, {**data, "state": state})
    known = edit.find_automation(definitions, name)
    return definitions.with_automation(read(Automation, {"name": known.name, **data, "id": known.id, "state": state}))


def _digest(automation: Automation) -> str:
    """Tells whether an automation is still what it was when somebody began to change it."""
    return hashlib.sha256(orjson.dumps(body(automation), option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]


def _pretty(data: Mapping[str, Any]) -> str:
    return orjson.dumps({key: value for key, value in data.items() if key != "id"}, option=orjson.OPT_INDENT_2).decode()


# -- trying ---------------------------------------------------------------------------------------------------------------


async def _latest(here: Visit, name: str) -> str:
    """The record that was changed last."""
    found = await reading.find(here.unit, RecordQuery(name, fields=("title",), sort=("-updated_at",), limit=1))
    return str(orjson.loads(found.rows[0])["id"]) if found.rows else ""


async def _test(request: Req, work: Work, automation: Automation | None) -> Response[bytes]:
    assert automation is not None
    caller, services = await caller_of(request), services_of(request)
    found: dict[str, Any] | None = None
    try:
        record = UUID(work.record) if work.record and automation.module else None
        found = await with_record(services.units, caller.workspace, caller.actor, automation, record)
    except ValueError:
        work.try_problem = "There is no such record."
    except XrmError as refused:
        if refused.status >= 500:
            raise
        work.try_problem = _said(refused.problems[0])
    async with visit(request, caller) as here:
        if found is not None:
            work.tried = await tried_view(here, automation, work.record, found)
        elif not work.record and automation.module:
            work.try_problem = here.t("There are no records to try it with.")
        return await _answer(here, work, status=422 if work.try_problem else 200)


async def _past(here: Visit, work: Work, automation: Automation) -> None:
    try:
        work.past = await past_view(here, automation, work.months)
    except XrmError as refused:
        if refused.status >= 500:
            raise
        work.try_problem = _said(refused.problems[0])


# -- keeping --------------------------------------------------------------------------------------------------------------


async def _keep(request: Req, work: Work, automation: Automation | None, action: str) -> Response[bytes]:
    assert automation is not None
    caller, units = await caller_of(request), services_of(request).units
    state = "on" if action == "enable" else work.state
    label = label_text(automation.label, "en")
    try:
        if action == "draft":
            data = {**work.body, "state": state}
            path = f"automation/{automation.id}"
            operation = (
                {"op": "replace", "path": path, "data": data}
                if work.name
                else {"op": "add", "path": "automation", "data": data}
            )
            await Drafts(units, caller.workspace, caller.actor).append([operation])
        else:

            def change(old: DefinitionSet) -> DefinitionSet:
                known = old.automation(work.name) if work.name else None
                if known is not None and _digest(known) != work.base:
                    work.base = _digest(known)
                    raise Invalid(
                        Problem(
                            "changed_meanwhile",
                            "",
                            "Somebody published this automation meanwhile.",
                            "Saving again replaces theirs.",
                        )
                    )
                return _with(old, work.name, work.body, state)

            made = await plan_set(units, caller.workspace, caller.actor, change, samples=0)
            told = f"Automation {automation.name}: {'on' if action == 'enable' else 'changed' if work.name else 'new'}"
            await apply(units, caller.workspace, caller.actor, made, told)
            await arming.bring_up_to_date(units, caller.workspace)
    except XrmError as refused:
        if refused.status >= 500:
            raise
        place = pointer("automations", automation.name)
        work.problems = [
            replace(one, path=one.path.removeprefix("/operations/0").removeprefix(place)) for one in refused.problems
        ]
        async with visit(request, caller) as here:
            return await _answer(here, work, status=422)
    async with visit(request, caller) as here:
        if action == "draft":
            return redirect("/design/review", toast=here.t("{name} is in the draft", name=label))
        label = label_text(automation.label, here.locale)
        text = (
            here.t("{name} is switched on", name=label)
            if action == "enable"
            else here.t("{name} was saved", name=label)
        )
        return redirect(f"/automations/{automation.name}", toast=text)


# -- answers --------------------------------------------------------------------------------------------------------------


def _said(problem: Problem) -> str:
    return f"{problem.message} {problem.hint}".strip()


def _checked_answer(here: Visit, work: Work) -> Response[bytes]:
    _, problems = proposed(here, work)
    tell = telling.tell_of(here.unit.catalog, work.body.get("module"), here.locale[:2])
    found = {
        "sentence": telling.said_so_far(work.body, tell),
        "problems": [{"path": one.path, "text": _said(one)} for one in problems],
    }
    return Response(orjson.dumps(found), media_type="application/json", headers={"Cache-Control": "private, no-store"})


async def _answer(here: Visit, work: Work, *, status: int = 200) -> Response[bytes]:
    view = await _view(here, work)
    frame = shell(here, view.label, place=PLACE)
    if here.request.headers.get("hx-request") == "true":
        headers = {"X-Focus": work.focus} if work.focus.isascii() else {}
        return html(
            fragment("fragments/automation_builder.html.jinja", view, frame), here.nonce, status=status, headers=headers
        )
    return page(here, view, frame, status=status)


async def _view(here: Visit, work: Work) -> BuilderPage:
    catalog, language = here.unit.catalog, here.locale[:2]
    named = work.body.get("module")
    tell = telling.tell_of(catalog, named if isinstance(named, str) else None, language)
    errors: dict[str, list[str]] = {}
    for one in work.problems if work.told or work.mode == "json" else ():
        errors.setdefault(one.path, []).append(_said(one))
    inputs = Inputs(
        catalog.definitions, catalog.scopes, work.body, here.t, here.locale, errors,
        lambda tag, data: telling.said_part(tag, data, tell),
    )  # fmt: skip
    shown = inputs.all() if work.mode == "form" else {}
    top = (
        inputs.unplaced()
        if work.mode == "form"
        else tuple(f"{path} {text}".strip() for path, texts in errors.items() for text in texts)
    )
    label = work.body.get("label")
    title = label_text(label, here.locale) if isinstance(label, (str, dict)) and label else ""
    module = catalog.find(named) if isinstance(named, str) and named else None
    record = None
    if module is not None and work.record:
        try:
            row = await arming.row_of(await here.unit.writer(), module, UUID(work.record))
            record = (work.record, row.title) if row is not None else None
        except ValueError:
            record = None
    draft = await Drafts(services_of(here.request).units, here.caller.workspace, here.caller.actor).get()
    return BuilderPage(
        work.name, title or here.t("New automation"), work.state, state_words(here)[work.state], HUES[work.state],
        telling.said_so_far(work.body, tell), shown, work.base, work.mode, work.json or _pretty(work.body), top,
        module.name if module is not None else "", record, work.months, work.tried, work.past, work.try_problem,
        bool(draft.operations), work.told,
    )  # fmt: skip


HANDLERS: list[Any] = [new_automation, edit_automation, build_new, build]
