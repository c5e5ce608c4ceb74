"""Quick create: the short form for a new record, likely duplicates while typing, and conditions that follow what is typed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
from litestar import Response, get, post

from xrm_core.definitions.layout import Variant
from xrm_core.kernel.errors import Invalid
from xrm_core.kernel.text import fold
from xrm_core.records import write
from xrm_core.records.likeness import duplicates
from xrm_core.records.unit import Unit
from xrm_core.storage.model import CompiledModule
from xrm_core.web.conditions import states
from xrm_core.web.describe import Describer
from xrm_core.web.editing import form_of
from xrm_core.web.forms import Filling, FormBuilder, prefilled, under
from xrm_core.web.fragments import answer, change, fragment
from xrm_core.web.pages import FieldWidget
from xrm_core.web.services import Req, Visit, caller_of, visit

MOST = 8
PREFIX = "q"


def quick_names(module: CompiledModule, given: set[str], layout: Variant) -> list[str]:
    """What the short form asks for: what the layout says and what is needed, and what the address gives."""
    parts = {part.name: part for part in module.parts}
    needed = [name for name, part in parts.items() if part.definition.required and part.definition.default is None]
    chosen = [name for name in layout.quick_create if name in parts or name == "owner"]
    rest = [name for name in parts if name not in chosen and name not in layout.hidden]
    if not chosen:
        chosen = [name for name in rest if name not in needed][: MOST - len(needed)]
        names = [name for name in parts if name in needed or name in chosen]
    else:
        names = [*chosen[:MOST], *(name for name in needed if name not in chosen[:MOST])]
    return [*names, *(name for name in parts if name in given and name not in names)]


async def _widgets(builder: FormBuilder, names: list[str], filling: Filling) -> tuple[FieldWidget, ...]:
    found = [await builder.widget(name, filling) for name in names]
    conditional = await builder.conditions(filling)
    return tuple(
        replace(under(widget, conditional.get(widget.name)), prefix=PREFIX) for widget in found if widget is not None
    )


@get("/m/{module:str}/quick")
async def quick_form(request: Req) -> Response[bytes]:
    """The short form; with `rest`, the fields that it leaves out."""
    async with visit(request) as here:
        module = here.unit.module(request.path_params["module"])
        here.unit.policy.require(module.id, "create")
        parameters = {name: str(value) for name, value in request.query_params.items()}
        builder = FormBuilder(here, module)
        filling = Filling(form=prefilled(module, parameters), fresh=True)
        given = {name for name in parameters if name in module.fields or name in module.links}
        short = quick_names(module, given, builder.layout(parameters.get("stage")))
        every = [name for _, _, names in builder.names() for name in names]
        rest = [name for name in every if name not in short]
        if parameters.get("rest"):
            widgets = await _widgets(builder, rest, Filling(fresh=True))
            return fragment(here, "quick_rest.html.jinja", widgets_=widgets)
        view = builder.describer.module(module)
        widgets = await _widgets(builder, short, filling)
        hidden = [("stage", parameters["stage"])] if parameters.get("stage") and module.pipeline else []
        return fragment(
            here, "quick.html.jinja", module=view, widgets_=widgets, hidden=hidden,
            more=any(builder.writable(name) is not None or name == "owner" for name in rest),
        )  # fmt: skip


@post("/m/{module:str}/quick", status_code=201)
async def quick_create(request: Req) -> Response[bytes]:
    """A new record from the short form."""
    caller = await caller_of(request)
    form = await form_of(request, caller)
    name = request.path_params["module"]

    async def work(unit: Unit, here: Visit) -> dict[str, Any]:
        module = unit.module(name)
        values, problems = FormBuilder(here, module).values(form, fresh=True)
        if problems:
            raise Invalid(problems)
        if form.text("stage") and module.pipeline is not None:
            values["stage"] = form.text("stage")
        stored = await write.create(unit, module.name, values)
        title = orjson.loads(stored.json).get("title", "")
        return {
            "id": str(stored.id),
            "module": module.name,
            "title": title,
            "url": f"/m/{module.name}/{stored.id}",
            "text": here.t("{title} was created", title=title),
            "warnings": [problem.message for problem in stored.warnings[:3]],
        }

    done, changed = await change(request, caller, work)
    return answer(done, changed, status=201)


@post("/m/{module:str}/quick/likely", status_code=200)
async def likely(request: Req) -> Response[bytes]:
    """Records that may be the same as the one that is being typed in."""
    caller = await caller_of(request)
    form = await form_of(request, caller)
    async with visit(request, caller) as here:
        module = here.unit.module(request.path_params["module"])
        values, _ = FormBuilder(here, module).values(form, fresh=True)
        found = await duplicates(here.unit, module.name, values, limit=3)
        describer = Describer(here)
        return answer({"data": [_told(here, describer, module, one) for one in found]})


def _told(here: Visit, describer: Describer, module: CompiledModule, one: dict[str, Any]) -> dict[str, Any]:
    reason = one["reasons"][0]
    labels = [
        describer.text(module.fields[name].definition.label) for name in reason["fields"] if name in module.fields
    ]
    text = here.t("alike name") if reason["kind"] == "title" else here.t("same {fields}", fields=", ".join(labels))
    facts = [fact for fact in one["facts"] if fact and fold(fact) != fold(one["title"])]
    return {"id": one["id"], "title": one["title"], "reason": text, "facts": " · ".join(facts[:2])}


@post("/m/{module:str}/conditions", status_code=200)
async def conditions(request: Req) -> Response[bytes]:
    """Which conditional fields are shown and needed for what was typed so far."""
    caller = await caller_of(request)
    form = await form_of(request, caller)
    async with visit(request, caller) as here:
        module = here.unit.module(request.path_params["module"])
        values, _ = FormBuilder(here, module).values(form, fresh=True)
        found = await states(here.unit, module, values)
    return answer({"fields": {name: {"shown": one.shown, "needed": one.needed} for name, one in found.items()}})


HANDLERS = [quick_form, quick_create, likely, conditions]
