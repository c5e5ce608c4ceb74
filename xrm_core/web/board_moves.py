"""What a card needs to enter a column: the inputs that are missing, beside the board, and the move with them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import orjson
from litestar import Response, get, post

from xrm_core.kernel.errors import Conflict, Invalid, NotFound, Stale
from xrm_core.kernel.problem import Problem
from xrm_core.records import read, stages, write
from xrm_core.storage.model import CompiledModule
from xrm_core.web import render
from xrm_core.web.editing import form_of, record_id
from xrm_core.web.forms import Filling, FormBuilder, with_many
from xrm_core.web.frame import html
from xrm_core.web.pages import FieldWidget, OptionView
from xrm_core.web.services import Req, Visit, caller_of, services_of, visit
from xrm_core.web.widgets import Form

MOST = 20


@get("/m/{module:str}/{id:str}/enter")
async def entering(request: Req) -> Response[bytes]:
    """The inputs that a column asks for: `by` and `value` name it, `fields` what is missing."""
    async with visit(request) as here:
        module = here.unit.module(request.path_params["module"])
        here.unit.policy.require(module.id, "edit")
        given = {name: str(value) for name, value in request.query_params.items()}
        record = await _record(here, module, record_id(request))
        names = [name for name in given.get("fields", "").split(",") if name][:MOST]
        return await _form(here, module, record, given.get("value", ""), names, Filling(record))


@post("/m/{module:str}/{id:str}/enter", status_code=200)
async def enter(request: Req) -> Response[bytes]:
    """Move the record with what was filled in; answered with JSON, or with the inputs again."""
    caller = await caller_of(request)
    form = await form_of(request, caller)
    identity, name = record_id(request), request.path_params["module"]
    by, value = form.text("_by") or "stage", form.text("_value")
    async with visit(request, caller) as here:
        module = here.unit.module(name)
        here.unit.policy.require(module.id, "edit")
        names = [one for one in form.text("_fields").split(",") if one][:MOST]
        builder = FormBuilder(here, module)
        values, problems = builder.values(form, fresh=False)
        values = {key: given for key, given in values.items() if key in names}
        reason = form.text("stage_reason") or None
        if not problems:
            try:

                async def work(unit: Any) -> tuple[write.Stored, UUID | None]:
                    if by == "stage":
                        done = await stages.move(
                            unit, name, identity, value, reason=reason, values=values, expected_version=_version(form)
                        )
                    else:
                        done = await write.update(unit, name, identity, {**values, by: value or None}, _version(form))
                    return done, unit.changed

                stored, change = await services_of(request).units.run(caller.workspace, caller.actor, work)
            except (Invalid, Conflict) as refused:
                problems = refused.problems
            except Stale:
                problems = [Problem("stale", "", here.t("Somebody changed this record meanwhile."))]
            else:
                services_of(request).hub.nudge(caller.workspace.id)
                body = {"version": stored.version, "change": str(change) if change else None}
                return Response(orjson.dumps(body), media_type="application/json")
        record = await _record(here, module, identity)
        return await _form(here, module, record, value, names, Filling(record, form, problems), status=422)


async def _record(here: Visit, module: CompiledModule, identity: UUID) -> dict[str, Any]:
    found = await read.get(here.unit, module.name, identity)
    if found is None:
        raise NotFound(Problem("not_found", "", "There is no such record."))
    record: dict[str, Any] = orjson.loads(found.json)
    return await with_many(here, module, record)


async def _form(
    here: Visit,
    module: CompiledModule,
    record: dict[str, Any],
    value: str,
    names: list[str],
    filling: Filling,
    status: int = 200,
) -> Response[bytes]:
    builder = FormBuilder(here, module)
    asked = dict.fromkeys([*names, *(problem.path.strip("/").partition("/")[0] for problem in filling.problems)])
    widgets = [widget for name in asked if (widget := await builder.widget(name, filling)) is not None]
    reason = _reason(builder, module, value, filling)
    shown = {widget.name for widget in widgets} | ({"stage_reason", "reason"} if reason is not None else set())
    loose = [
        one.message for one in filling.problems if one.path.strip("/").partition("/")[0] not in shown and one.message
    ]
    body = render.board_enter(
        tuple([*([reason] if reason is not None else []), *widgets]),
        tuple(loose),
        ",".join(widget.name for widget in widgets),
        record["version"],
        here.locale,
    )
    return html(body, status=status)


def _reason(builder: FormBuilder, module: CompiledModule, stage: str, filling: Filling) -> FieldWidget | None:
    known = module.stages.get(stage)
    if known is None or not known.reasons:
        return None
    options = tuple(
        OptionView(one.name, builder.describer.text(one.label)) for one in known.reasons if not one.archived
    )
    typed = filling.form.text("stage_reason") if filling.form is not None else ""
    errors = filling.errors("stage_reason") or filling.errors("reason")
    label = builder.visit.t("Reason")
    return FieldWidget("stage_reason", label, "select", typed, required=True, options=options, errors=errors)


def _version(form: Form) -> int | None:
    text = form.text("version")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


HANDLERS = [entering, enter]
