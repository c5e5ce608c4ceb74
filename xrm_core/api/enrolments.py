"""Enrolments of automations: who is on the way through the steps of one, and changing that by hand."""

from __future__ import annotations

from typing import get_args

import orjson
from litestar import Response, get, post

from xrm_core.api.answers import Answer, as_json, change
from xrm_core.api.body import Values, json_object
from xrm_core.api.query import Parameters, record_id
from xrm_core.api.services import Req, caller_of, services_of
from xrm_core.automation import enrolments, telling
from xrm_core.definitions import edit
from xrm_core.kernel.errors import Invalid
from xrm_core.kernel.problem import Problem
from xrm_core.records.unit import Unit


@get("/automations/{name:str}/enrolments")
async def list_enrolments(request: Req) -> Response[bytes]:
    """The runs of an automation that are under way, with the step that comes next and when."""
    caller = await caller_of(request)
    parameters = Parameters(request.scope["query_string"], ("limit", "cursor", "language"))
    limit, cursor = parameters.number("limit", 50, 1, 200), parameters.text("cursor")
    async with services_of(request).units.begin(caller.workspace, caller.actor) as unit:
        unit.policy.require_design()
        automation = edit.find_automation(unit.catalog.definitions, request.path_params["name"])
        language = (parameters.text("language") or caller.locale or "en")[:2]
        found = await enrolments.listed(
            unit,
            await unit.writer(),
            automation,
            language,
            before=record_id(cursor) if cursor else None,
            limit=limit + 1,
        )
    return as_json({"data": found[:limit], "next": found[limit - 1]["id"] if len(found) > limit else None})


@post("/automations/{name:str}/enrolments/{id:str}", status_code=200)
async def change_enrolment(request: Req) -> Response[bytes]:
    """Pause, resume or end a run that waits, or move it to a step: `{"do": "move", "step": 3}`."""
    caller = await caller_of(request)
    Parameters(request.scope["query_string"], ())
    wanted = Values(await json_object(request), {"do": str, "step": int}, ("do",))
    action = next((one for one in get_args(enrolments.Action) if one == wanted["do"]), None)
    if action is None:
        raise Invalid(Problem("do", "/do", f"Use one of {', '.join(enrolments.ACTIONS)}."))
    identity, name = record_id(request.path_params["id"]), request.path_params["name"]

    async def work(unit: Unit) -> Answer:
        unit.policy.require_design()
        automation = edit.find_automation(unit.catalog.definitions, name)
        one = await enrolments.change(unit, automation, identity, action, wanted.get("step"))
        return Answer(200, orjson.dumps((await telling.runs(unit, await unit.transaction(), [one]))[0]))

    return await change(request, caller, work)


HANDLERS = [list_enrolments, change_enrolment]
