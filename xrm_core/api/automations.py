"""Automations: made, tried, switched on and off, what they did and what they should have done."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import orjson
from litestar import Response, delete, get, patch, post

from xrm_core.access.callers import Caller
from xrm_core.api.answers import Answer, as_json, change
from xrm_core.api.body import Values, json_object
from xrm_core.api.definitions import change_definitions, designer
from xrm_core.api.query import Parameters, record_id
from xrm_core.api.services import Req, caller_of, services_of
from xrm_core.automation import match, runner, telling
from xrm_core.automation.arming import row_of
from xrm_core.automation.backtest import backtest
from xrm_core.automation.compiled import listeners
from xrm_core.automation.trying import with_record
from xrm_core.definitions import edit
from xrm_core.definitions.automation import Automation
from xrm_core.definitions.reading import read
from xrm_core.definitions.triggers.button import Button
from xrm_core.kernel.dates import add_months
from xrm_core.kernel.errors import Conflict, Forbidden, NotFound
from xrm_core.kernel.problem import Problem
from xrm_core.records.unit import Unit
from xrm_core.storage import occurrences as store
from xrm_core.storage.records import within_scope

LIMIT, MOST = 50, 500
_STATES = ("due", "asked", "running", "waiting", "done", "suppressed", "failed", "moved", "cancelled")


def _known(unit: Unit, name: str) -> Automation:
    found = edit.find_automation(unit.catalog.definitions, name)
    if not telling.visible(unit, found):
        raise NotFound(Problem("missing", "", f"There is no automation '{name}'."))
    return found


async def _read(request: Req, work: Callable[[Unit], Any], known: tuple[str, ...] = ("language",)) -> Response[bytes]:
    caller = await caller_of(request)
    Parameters(request.scope["query_string"], known)
    async with services_of(request).units.begin(caller.workspace, caller.actor) as unit:
        return as_json(await work(unit))


def _language(request: Req, unit: Unit) -> str:
    return Parameters(request.scope["query_string"], ("language",)).text("language") or unit.workspace.locale


@get("/automations")
async def list_automations(request: Req) -> Response[bytes]:
    """All automations, each as a sentence."""

    async def work(unit: Unit) -> Any:
        language = _language(request, unit)
        found = [one for one in unit.catalog.definitions.automations if not one.archived and telling.visible(unit, one)]
        return {"data": [telling.shown(unit, one, language) for one in sorted(found, key=lambda a: a.name)], "next": None}

    return await _read(request, work)


@get("/automations/{name:str}")
async def get_automation(request: Req) -> Response[bytes]:
    """One automation."""

    async def work(unit: Unit) -> Any:
        found = _known(unit, request.path_params["name"])
        return telling.shown(unit, found, _language(request, unit))

    return await _read(request, work)


@post("/automations")
async def create_automation(request: Req) -> Response[bytes]:
    """Make an automation; it begins as a draft unless its state says otherwise."""
    given = await json_object(request)
    return await change_definitions(request, lambda old: edit.add_automation(old, given), 201)


@patch("/automations/{name:str}")
async def update_automation(request: Req) -> Response[bytes]:
    """Change an automation (a JSON merge patch); `{"state": "on"}` switches it on."""
    given = await json_object(request)
    return await change_definitions(request, lambda old: edit.patch_automation(old, request.path_params["name"], given))


@delete("/automations/{name:str}", status_code=200)
async def delete_automation(request: Req) -> Response[bytes]:
    """Retire an automation; what it did stays known."""
    return await change_definitions(request, lambda old: edit.remove_automation(old, request.path_params["name"]))


@get("/automations/{name:str}/runs")
async def automation_runs(request: Req) -> Response[bytes]:
    """What an automation did, is doing and has still to do, the newest first."""
    caller = await caller_of(request)
    parameters = Parameters(request.scope["query_string"], ("limit", "cursor", "state", "record", "steps"))
    limit, state = parameters.number("limit", LIMIT, 1, MOST), parameters.text("state")
    if state is not None:
        parameters.choice("state", "", _STATES)
    cursor, record = parameters.text("cursor"), parameters.text("record")
    async with services_of(request).units.begin(caller.workspace, caller.actor) as unit:
        automation = _known(unit, request.path_params["name"])
        connection = await unit.writer()
        found = await store.find(
            connection, unit.schema, automation_id=automation.id, states=[state] if state else None, limit=limit + 1,
            before=record_id(cursor) if cursor else None, record_id=record_id(record) if record else None,
        )  # fmt: skip
        rows = await telling.runs(unit, connection, found[:limit], steps=parameters.flag("steps"))
    return as_json({"data": rows, "next": str(found[limit - 1].id) if len(found) > limit else None})


@get("/automations/{name:str}/runs/{id:str}")
async def automation_run(request: Req) -> Response[bytes]:
    """One run with what each step did."""
    caller = await caller_of(request)
    Parameters(request.scope["query_string"], ())
    async with services_of(request).units.begin(caller.workspace, caller.actor) as unit:
        automation = _known(unit, request.path_params["name"])
        connection = await unit.writer()
        found = await store.get(connection, unit.schema, record_id(request.path_params["id"]))
        if found is None or found.automation_id != automation.id:
            raise NotFound(Problem("not_found", "", "There is no such run."))
        return as_json((await telling.runs(unit, connection, [found], steps=True))[0])


@post("/automations/{name:str}/runs/{id:str}/decide", status_code=200)
async def decide_run(request: Req) -> Response[bytes]:
    """Decide about a run that waits for somebody, or try a failed one again: `{"run": true}`."""
    caller = await designer(request)
    Parameters(request.scope["query_string"], ())
    wanted = Values(await json_object(request), {"run": bool}, ("run",))
    identifier = record_id(request.path_params["id"])

    async def work(unit: Unit) -> Answer:
        found = await runner.decide(unit, identifier, run=wanted["run"])
        connection = await unit.transaction()
        return Answer(200, orjson.dumps((await telling.runs(unit, connection, [found]))[0]))

    return await change(request, caller, work)


@post("/automations/{name:str}/start", status_code=202)
async def start_automation(request: Req) -> Response[bytes]:
    """Start an automation for a record by hand, if it has a button: `{"record": id}`."""
    caller = await caller_of(request)
    Parameters(request.scope["query_string"], ())
    wanted = Values(await json_object(request, optional=True), {"record": str})
    record = record_id(wanted["record"]) if wanted.get("record") else None

    async def work(unit: Unit) -> Answer:
        automation = edit.find_automation(unit.catalog.definitions, request.path_params["name"])
        one = listeners(unit.catalog).by_id.get(automation.id)
        if one is None or not automation.live or not any(isinstance(t, Button) for t in automation.triggers):
            raise Conflict(Problem("no_button", "", "This automation cannot be started by hand."))
        connection = await unit.transaction()
        if one.module is not None:
            unit.policy.require(one.module.id, "edit")
            scope = unit.scope(one.module, "edit")
            if record is None or await row_of(connection, one.module, record) is None:
                raise NotFound(Problem("not_found", "/record", "There is no such record."))
            if scope is not None and not await within_scope(connection, one.module.table, [record], scope):
                raise Forbidden(Problem("forbidden", "/record", "You may not change this record."))
        made = await match.start(unit, connection, one, record, mark="button")
        if made is None:
            raise Conflict(Problem("ran_already", "", "It has run for this record already."))
        return Answer(202, orjson.dumps((await telling.runs(unit, connection, [made]))[0]))

    return await change(request, caller, work)


@post("/automations/{name:str}/test", status_code=200)
async def try_automation(request: Req) -> Response[bytes]:
    """What would happen for a record: condition, steps, mails, changes; nothing is written or sent.

    `{"record": id, "automation": {…}}`: with `automation` a version that is not published yet.
    """
    caller = await designer(request)
    Parameters(request.scope["query_string"], ())
    wanted = Values(await json_object(request, optional=True), {"record": str, "automation": dict})
    services = services_of(request)
    automation = await _given(request, caller, wanted)
    record = record_id(wanted["record"]) if wanted.get("record") else None
    return as_json(await with_record(services.units, caller.workspace, caller.actor, automation, record))


@post("/automations/{name:str}/backtest", status_code=200)
async def backtest_automation(request: Req) -> Response[bytes]:
    """What would have run in the last months, when and for whom: `{"months": 6, "automation": {…}}`; nothing is written."""
    caller = await designer(request)
    Parameters(request.scope["query_string"], ())
    wanted = Values(await json_object(request, optional=True), {"months": int, "automation": dict})
    months = wanted.get("months") or 6
    if not 1 <= months <= 60:
        raise Conflict(Problem("months", "/months", "Between 1 and 60 months."))
    automation = await _given(request, caller, wanted)
    async with services_of(request).units.begin(caller.workspace, caller.actor) as unit:
        day = add_months(unit.now.date(), -months)
        since = unit.now.replace(year=day.year, month=day.month, day=day.day) if day else unit.now - timedelta(days=30)
        return as_json(await backtest(unit, automation, since, unit.now))


async def _given(request: Req, caller: Caller, wanted: Values) -> Automation:
    name = request.path_params["name"]
    body = wanted.get("automation")
    if body is not None:
        return read(Automation, {"name": name, "label": name, **body}, "/automation")
    async with services_of(request).units.begin(caller.workspace, caller.actor) as unit:
        return edit.find_automation(unit.catalog.definitions, name)


@get("/automation-log")
async def automation_log(request: Req) -> Response[bytes]:
    """Expected and fired: by automation what was due in a time, what became of it and why. `?from=&to=`, the last 30 days."""
    caller = await designer(request)
    parameters = Parameters(request.scope["query_string"], ("from", "to"))
    async with services_of(request).units.begin(caller.workspace, caller.actor) as unit:
        until = parameters.instant("to") or unit.now + timedelta(minutes=1)
        since = parameters.instant("from") or until - timedelta(days=30)
        found = await telling.expected(unit, await unit.writer(), since, until)
    return as_json({"data": found, "next": None})


HANDLERS = [
    list_automations, get_automation, create_automation, update_automation, delete_automation, automation_runs,
    automation_run, decide_run, start_automation, try_automation, backtest_automation, automation_log,
]  # fmt: skip
