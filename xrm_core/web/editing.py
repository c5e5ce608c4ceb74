"""Creating, changing, moving and archiving one record by plain forms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import orjson
from litestar import Response, get, post

from xrm_core.access.callers import Caller
from xrm_core.kernel.errors import Conflict, Invalid, Malformed, NotFound, Stale, XrmError
from xrm_core.kernel.problem import Problem
from xrm_core.records import lifecycle, read, stages, write
from xrm_core.storage.model import CompiledModule
from xrm_core.web.describe import Describer
from xrm_core.web.forms import Filling, FormBuilder, prefilled, with_many
from xrm_core.web.frame import page, redirect, safe_path, shell
from xrm_core.web.pages import Crumb, FormPage, FormSection, OptionView
from xrm_core.web.pages import FieldWidget as Widget
from xrm_core.web.services import Req, Visit, caller_of, services_of, visit
from xrm_core.web.widgets import Form

CARRIED = ("stage", "back")
"""Parameters that a form carries along: the stage to enter with it, and where to go afterwards."""


async def form_of(request: Req, caller: Caller) -> Form:
    """The form that was sent; raises Forbidden unless it comes from a page of the session."""
    try:
        data = await request.form()
    except (ValueError, KeyError):
        raise Malformed(Problem("form", "", "The form cannot be read.")) from None
    form = Form([(name, value) for name, value in data.multi_items()])
    caller.require_csrf(form.text("_csrf") or request.headers.get("x-csrf-token"))
    return form


def record_id(request: Req) -> UUID:
    """The record's id in the address; raises NotFound for anything else."""
    try:
        return UUID(request.path_params["id"])
    except ValueError:
        raise NotFound(Problem("not_found", "", "There is no such record.")) from None


@get("/m/{module:str}/new")
async def new_record(request: Req) -> Response[bytes]:
    """The form for a new record."""
    async with visit(request) as here:
        module = here.unit.module(request.path_params["module"])
        here.unit.policy.require(module.id, "create")
        parameters = {name: str(value) for name, value in request.query_params.items()}
        filling = Filling(form=prefilled(module, parameters), fresh=True)
        return await _form_page(here, module, filling, carried=_carried(parameters))


@post("/m/{module:str}/new")
async def create_record(request: Req) -> Response[bytes]:
    """A new record."""
    caller = await caller_of(request)
    form = await form_of(request, caller)
    async with visit(request, caller) as here:
        module = here.unit.module(request.path_params["module"])
        here.unit.policy.require(module.id, "create")
        values, problems = FormBuilder(here, module).values(form, fresh=True)
        if form.text("stage") and module.pipeline is not None:
            values["stage"] = form.text("stage")
        if not problems:
            try:
                stored = await services_of(request).units.run(
                    caller.workspace, caller.actor, lambda unit: write.create(unit, module.name, values)
                )
            except (Invalid, Conflict) as refused:
                problems = refused.problems
            else:
                title = orjson.loads(stored.json).get("title", "")
                text = _noted(here.t("{title} was created", title=title), stored)
                if form.text("another"):
                    return redirect(f"/m/{module.name}/new", toast=text)
                return redirect(form.text("back") or f"/m/{module.name}/{stored.id}", toast=text)
        carried = _carried({name: form.text(name) for name in CARRIED})
        return await _form_page(
            here, module, Filling(form=form, problems=problems, fresh=True), carried=carried, status=422
        )


@get("/m/{module:str}/{id:str}/edit")
async def edit_record(request: Req) -> Response[bytes]:
    """The form of a record; with `stage`, saving also moves it there."""
    async with visit(request) as here:
        module = here.unit.module(request.path_params["module"])
        here.unit.policy.require(module.id, "edit")
        record = await _record(here, module, record_id(request))
        parameters = {name: str(value) for name, value in request.query_params.items()}
        return await _form_page(here, module, Filling(record), carried=_carried(parameters), record=record)


@post("/m/{module:str}/{id:str}/edit")
async def save_record(request: Req) -> Response[bytes]:
    """Change a record."""
    caller = await caller_of(request)
    form = await form_of(request, caller)
    identity = record_id(request)
    async with visit(request, caller) as here:
        module = here.unit.module(request.path_params["module"])
        here.unit.policy.require(module.id, "edit")
        values, problems = FormBuilder(here, module).values(form, fresh=False)
        stage = form.text("stage")
        if stage and module.pipeline is not None:
            values["stage"] = stage
            if form.text("stage_reason"):
                values["stage_reason"] = form.text("stage_reason")
        if not problems:
            try:
                stored = await services_of(request).units.run(
                    caller.workspace,
                    caller.actor,
                    lambda unit: write.update(unit, module.name, identity, values, _version(form)),
                )
            except Stale:
                problems = [
                    Problem(
                        "stale",
                        "",
                        here.t("Somebody changed this record meanwhile. Check what is new, then save again."),
                    )
                ]
                record = await _record(here, module, identity)
                return await _form_page(
                    here,
                    module,
                    Filling(record, form, problems),
                    carried=_carried({n: form.text(n) for n in CARRIED}),
                    record=record,
                    status=409,
                )
            except (Invalid, Conflict) as refused:
                problems = refused.problems
            else:
                title = orjson.loads(stored.json).get("title", "")
                text = _noted(here.t("{title} was saved", title=title), stored)
                return redirect(form.text("back") or f"/m/{module.name}/{identity}", toast=text)
        record = await _record(here, module, identity)
        return await _form_page(
            here,
            module,
            Filling(record, form, problems),
            carried=_carried({n: form.text(n) for n in CARRIED}),
            record=record,
            status=422,
        )


@post("/m/{module:str}/{id:str}/move")
async def move_record(request: Req) -> Response[bytes]:
    """Move a record to another stage; what it still needs is asked for in its form."""
    caller = await caller_of(request)
    form = await form_of(request, caller)
    identity = record_id(request)
    name, stage = request.path_params["module"], form.text("stage")
    async with visit(request, caller) as here:
        module = here.unit.module(name)
        try:
            await services_of(request).units.run(
                caller.workspace,
                caller.actor,
                lambda unit: stages.move(
                    unit, name, identity, stage, reason=form.text("reason") or None, expected_version=_version(form)
                ),
            )
        except Invalid as refused:
            record = await _record(here, module, identity)
            return await _form_page(
                here,
                module,
                Filling(record, None, refused.problems),
                carried={"stage": stage},
                record=record,
                status=422,
            )
        except Stale:
            return redirect(_url(module, identity), toast=here.t("Somebody changed this record meanwhile."), kind="bad")
        label = Describer(here).stages(module).get(stage)
        return redirect(_url(module, identity), toast=here.t("Moved to {stage}", stage=label.label if label else stage))


async def _act(request: Req, work: Any, text: str, *, gone: bool = False) -> Response[bytes]:
    caller = await caller_of(request)
    form = await form_of(request, caller)
    identity, name = record_id(request), request.path_params["module"]
    async with visit(request, caller) as here:
        module = here.unit.module(name)
        try:
            await services_of(request).units.run(
                caller.workspace, caller.actor, lambda unit: work(unit, name, identity, form)
            )
        except XrmError as refused:
            if refused.status not in (409, 412, 422):
                raise
            return redirect(
                _url(module, identity), toast=" ".join(problem.message for problem in refused.problems), kind="bad"
            )
        return redirect(f"/m/{name}" if gone else _url(module, identity), toast=here.t(text))


@post("/m/{module:str}/{id:str}/archive")
async def archive_record(request: Req) -> Response[bytes]:
    """Archive a record."""
    return await _act(
        request, lambda unit, name, identity, form: lifecycle.archive(unit, name, identity, _version(form)), "Archived"
    )


@post("/m/{module:str}/{id:str}/restore")
async def restore_record(request: Req) -> Response[bytes]:
    """Bring an archived record back."""
    return await _act(
        request, lambda unit, name, identity, form: lifecycle.restore(unit, name, identity, _version(form)), "Restored"
    )


@post("/m/{module:str}/{id:str}/erase")
async def erase_record(request: Req) -> Response[bytes]:
    """Erase a record for ever."""
    return await _act(
        request, lambda unit, name, identity, form: lifecycle.erase(unit, name, identity), "Erased", gone=True
    )


# -- parts --------------------------------------------------------------------------------------------------------------


async def _record(here: Visit, module: CompiledModule, identity: UUID) -> dict[str, Any]:
    found = await read.get(here.unit, module.name, identity)
    record: dict[str, Any] = orjson.loads(found.json)
    return await with_many(here, module, record)


async def _form_page(
    here: Visit,
    module: CompiledModule,
    filling: Filling,
    *,
    carried: dict[str, str],
    record: dict[str, Any] | None = None,
    status: int = 200,
) -> Response[bytes]:
    builder = FormBuilder(here, module)
    view = builder.describer.module(module)
    sections = await builder.sections(filling)
    stage = carried.get("stage", "")
    named = {widget.name for section in sections for widget in section.widgets}
    asks = reason_widget(builder, module, stage, filling) if record is not None else None
    if asks is not None:
        sections = (FormSection("", (asks,), 1), *sections)
        named.add(asks.name)
    options = builder.describer.stages(module)
    heading = here.t("New {label}", label=view.label)
    if record is not None:
        heading = here.t("Edit {title}", title=record.get("title", ""))
        if stage in options and stage != record.get("stage"):
            heading = here.t("Move {title} to {stage}", title=record.get("title", ""), stage=options[stage].label)
        elif stage == record.get("stage"):
            carried = {name: value for name, value in carried.items() if name != "stage"}
    url = f"{view.url}/{record['id']}" if record is not None else view.url
    form = FormPage(
        view,
        heading,
        f"{url}/edit" if record is not None else f"{url}/new",
        safe_path(carried.get("back") or url),
        sections,
        version=record["version"] if record is not None else None,
        problems=_loose(filling.problems, named),
        crumbs=(Crumb(view.label_plural, view.url),),
        hidden=tuple(carried.items()),
        submit_label="" if record is not None else here.t("Create {label}", label=view.label),
        another=record is None,
    )
    return page(here, form, shell(here, heading, module=module.name, create_url=view.create_url), status=status)


def reason_widget(builder: FormBuilder, module: CompiledModule, stage: str, filling: Filling) -> Widget | None:
    """The question for a reason, if the stage asks for one."""
    known = module.stages.get(stage)
    if known is None or not known.reasons:
        return None
    options = tuple(
        OptionView(one.name, builder.describer.text(one.label)) for one in known.reasons if not one.archived
    )
    value = filling.form.text("stage_reason") if filling.form is not None else ""
    errors = filling.errors("stage_reason") or filling.errors("reason")
    return Widget(
        "stage_reason", builder.visit.t("Reason"), "select", value, required=True, options=options, errors=errors
    )


def _loose(problems: Sequence[Problem], named: set[str]) -> tuple[str, ...]:
    """Problems that no input of the form shows."""
    found = []
    for problem in problems:
        name = problem.path.removeprefix("/").partition("/")[0]
        if name not in named and not (name == "reason" and "stage_reason" in named):
            found.append(problem.message + (f" {problem.hint}" if problem.hint else ""))
    return tuple(found)


def _carried(parameters: dict[str, str]) -> dict[str, str]:
    return {name: parameters[name] for name in CARRIED if parameters.get(name)}


def _noted(text: str, stored: write.Stored) -> str:
    """The message after a change, with what the engine wants to be known, such as a probable duplicate."""
    return ". ".join([text, *(problem.message.rstrip(".") for problem in stored.warnings[:3])])


def _version(form: Form) -> int | None:
    text = form.text("version")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def _url(module: CompiledModule, identity: UUID) -> str:
    return f"/m/{module.name}/{identity}"


HANDLERS = [
    new_record,
    create_record,
    edit_record,
    save_record,
    move_record,
    archive_record,
    restore_record,
    erase_record,
]
