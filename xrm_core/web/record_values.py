"""Changing one value of a record where it stands, moving it through its stages, and what the page shows afterwards."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

import orjson
from litestar import Response, get, post

from xrm_core.kernel.errors import Invalid, NotFound, Stale
from xrm_core.kernel.problem import Problem, pointer
from xrm_core.records import read, stages, write
from xrm_core.records.timeline import history
from xrm_core.records.unit import Unit
from xrm_core.storage.model import CompiledModule
from xrm_core.web import formats
from xrm_core.web.describe import Describer
from xrm_core.web.editing import form_of, reason_widget, record_id
from xrm_core.web.formatters import is_empty, pick, show
from xrm_core.web.forms import Filling, FormBuilder, with_many
from xrm_core.web.fragments import answer, change, fragment, part
from xrm_core.web.records import RecordView
from xrm_core.web.services import Req, Visit, caller_of, visit
from xrm_core.web.widgets import Form

BARE_STAMPS = frozenset({"created_at", "created_by", "updated_at", "updated_by"})


async def _record(here: Visit, module: CompiledModule, identity: UUID) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads((await read.get(here.unit, module.name, identity)).json)
    return await with_many(here, module, found)


def _not_here() -> NotFound:
    return NotFound(Problem("not_found", "", "This value cannot be changed here."))


@get("/m/{module:str}/{id:str}/values/{name:str}")
async def value_editor(request: Req) -> Response[bytes]:
    """The input of one value, with its label."""
    identity, name = record_id(request), request.path_params["name"]
    async with visit(request) as here:
        module = here.unit.module(request.path_params["module"])
        here.unit.policy.require(module.id, "edit")
        record = await _record(here, module, identity)
        widget = await FormBuilder(here, module).widget(name, Filling(record))
        if widget is None:
            raise _not_here()
        action = f"/m/{module.name}/{identity}/values/{name}"
        return fragment(
            here, "value_editor.html.jinja", w=replace(widget, prefix="e"), action=action, version=record["version"]
        )


@post("/m/{module:str}/{id:str}/values/{name:str}", status_code=200)
async def save_value(request: Req) -> Response[bytes]:
    """Store one value. If the record was changed meanwhile but not this value, it is stored all the same."""
    caller = await caller_of(request)
    form = await form_of(request, caller)
    identity, name = record_id(request), request.path_params["name"]
    version = _version(request, form)

    async def work(unit: Unit, here: Visit) -> dict[str, Any]:
        module = unit.module(request.path_params["module"])
        value = await _value(here, module, name, form)
        expected = version
        if expected is not None:
            at = (await read.get(unit, module.name, identity, fields=("title",))).version
            if at != expected and name not in await _changed_since(unit, module, identity, expected):
                expected = at
        stored = await write.update(unit, module.name, identity, {name: value}, expected)
        shown = await live(here, module, identity)
        column = Describer(here).column(module, name)
        label = column.label if column is not None else name
        shown["text"] = _told(here, module, label, name, orjson.loads(stored.json))
        shown["warnings"] = [problem.message for problem in stored.warnings[:3]]
        return shown

    try:
        done = await change(request, caller, work)
    except Stale:
        async with visit(request, caller) as here:
            return answer(await _conflict(here, request.path_params["module"], identity, name), status=409)
    return answer(*done)


async def _value(here: Visit, module: CompiledModule, name: str, form: Form) -> Any:
    builder = FormBuilder(here, module)
    if name != "owner" and builder.writable(name) is None:
        raise _not_here()
    values, problems = builder.values(form, fresh=False)
    problems = [one for one in problems if one.path == pointer(name) or one.path.startswith(pointer(name) + "/")]
    if problems:
        raise Invalid(problems)
    return values.get(name)


def _told(here: Visit, module: CompiledModule, label: str, name: str, record: dict[str, Any]) -> str:
    value = record.get(name)
    if is_empty(value):
        return here.t("{label} saved", label=label) if name in module.links else here.t("{label} cleared", label=label)
    column = Describer(here).column(module, name)
    text = show(column, record, here.reader, full=False).striptags() if column is not None else ""
    if not text or len(text) > 60:
        return here.t("{label} saved", label=label)
    return here.t("{label} changed to {value}", label=label, value=text)


async def _changed_since(unit: Unit, module: CompiledModule, identity: UUID, version: int) -> set[str]:
    """The names of what was changed after a version, as far back as one page of the history goes."""
    events = (await history(unit, module.name, identity, limit=200))["data"]
    newer = [event for event in events if event["version"] > version or event["kind"] in ("linked", "unlinked")]
    return {name for event in newer if event["kind"] != "computed" for name in event["changes"]}


async def _conflict(here: Visit, module_name: str, identity: UUID, name: str) -> dict[str, Any]:
    """Who changed a value meanwhile, when, and to what."""
    module = here.unit.module(module_name)
    record = await _record(here, module, identity)
    events = (await history(here.unit, module.name, identity, limit=50))["data"]
    last = next((event for event in events if name in event["changes"]), None)
    column = Describer(here).column(module, name)
    theirs = show(column, record, here.reader) if column is not None else ""
    actor = last["actor"] if last is not None else {}
    known = here.users.get(str(actor.get("id")))
    who = known.name if known is not None else str(actor.get("name") or here.t("Somebody"))
    since = formats.since(str(last["at"]), here.unit.now, here.locale, here.zone) if last is not None else ""
    text = here.t("{who} set this to", who=who)
    problem = {
        "code": "stale",
        "path": pointer(name),
        "message": here.t("Somebody changed this meanwhile."),
        "text": text,
        "since": since,
        "theirs": str(theirs) or here.t("empty"),
        "version": record["version"],
    }
    return {"title": problem["message"], "problems": [problem]}


@get("/m/{module:str}/{id:str}/live")
async def live_values(request: Req) -> Response[bytes]:
    """All values as they are now."""
    identity = record_id(request)
    async with visit(request) as here:
        return answer(await live(here, here.unit.module(request.path_params["module"]), identity))


async def live(here: Visit, module: CompiledModule, identity: UUID) -> dict[str, Any]:
    """What the page shows of a record: title, version, facts, stages, and every value by name."""
    record = await _record(here, module, identity)
    view = RecordView(here, module, record)
    describer = Describer(here)
    values = {}
    for name in [*module.fields, *module.links, "owner", *BARE_STAMPS]:
        column = describer.column(module, name)
        if column is not None:
            values[name] = "" if is_empty(pick(record, name)) else str(show(column, record, here.reader))
    page = {"facts": view.facts(), "stages": view.stages()}
    move = f"{view.url}/move" if view.edits else None
    return {
        "version": record["version"],
        "title": record.get("title") or "—",
        "archived": bool(record.get("archived_at")),
        "values": values,
        "facts": part(here, "record_facts.html.jinja", page=page),
        "stages": part(here, "record_stages.html.jinja", page={**page, "move_url": move, "version": record["version"]}),
    }


@get("/m/{module:str}/{id:str}/ask/{stage:str}")
async def ask_for_stage(request: Req) -> Response[bytes]:
    """The inputs of what a stage still needs: its required fields without a value, and its reason."""
    identity = record_id(request)
    async with visit(request) as here:
        module = here.unit.module(request.path_params["module"])
        here.unit.policy.require(module.id, "edit")
        stage = module.stages.get(request.path_params["stage"])
        if stage is None:
            raise NotFound(Problem("not_found", "", "There is no such stage."))
        record = await _record(here, module, identity)
        builder = FormBuilder(here, module)
        named = {name for name in request.query_params.get("also", "").split(",") if name}
        missing = [*RecordView(here, module, record).missing(stage), *sorted(named)]
        widgets = [await builder.widget(name, Filling(record)) for name in dict.fromkeys(missing)]
        reason = reason_widget(builder, module, stage.name, Filling(record))
        asked = [replace(widget, prefix="s", required=True) for widget in (*widgets, reason) if widget is not None]
        label = builder.describer.stages(module)[stage.name].label
        action = f"/m/{module.name}/{identity}/ask/{stage.name}"
        return fragment(
            here, "stage_ask.html.jinja", asked=asked, action=action, label=label, version=record["version"]
        )


@post("/m/{module:str}/{id:str}/ask/{stage:str}", status_code=200)
async def move_with(request: Req) -> Response[bytes]:
    """Move to a stage together with the values it needs."""
    caller = await caller_of(request)
    form = await form_of(request, caller)
    identity, stage = record_id(request), request.path_params["stage"]
    version = _version(request, form)

    async def work(unit: Unit, here: Visit) -> dict[str, Any]:
        module = unit.module(request.path_params["module"])
        values, problems = FormBuilder(here, module).values(form, fresh=False)
        if problems:
            raise Invalid(problems)
        reason = form.text("stage_reason") or form.text("reason") or None
        await stages.move(
            unit, module.name, identity, stage, reason=reason, values=values or None, expected_version=version
        )
        shown = await live(here, module, identity)
        option = Describer(here).stages(module).get(stage)
        shown["text"] = here.t("Moved to {stage}", stage=option.label if option is not None else stage)
        return shown

    return answer(*await change(request, caller, work))


def _version(request: Req, form: Form) -> int | None:
    text = request.headers.get("if-match", "").strip('W/"') or form.text("version")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


HANDLERS = [value_editor, save_value, live_values, ask_for_stage, move_with]
