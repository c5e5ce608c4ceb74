"""Merging records that are the same: side by side, value by value, one of them stays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
from litestar import Response, get, post
from markupsafe import Markup

from xrm_core.kernel.errors import Conflict, Invalid, NotFound
from xrm_core.kernel.kinds import Kind
from xrm_core.kernel.problem import Problem
from xrm_core.records import read
from xrm_core.records.merge import merge
from xrm_core.records.unit import Unit
from xrm_core.storage.model import CompiledField, CompiledLink, CompiledModule
from xrm_core.web import render
from xrm_core.web.describe import Describer
from xrm_core.web.editing import form_of
from xrm_core.web.formatters import is_empty, show
from xrm_core.web.forms import CHOICES, FormBuilder
from xrm_core.web.fragments import answer, change
from xrm_core.web.frame import html, redirect, shell
from xrm_core.web.pages import ColumnView, FieldWidget, ModuleView
from xrm_core.web.services import Req, Visit, caller_of, visit
from xrm_core.web.widgets import Form

MOST = 5
BOTH = "both"


@dataclass(frozen=True, slots=True)
class MergeChoice:
    """A value that can be kept."""

    id: str
    html: Markup
    empty: bool
    chosen: bool


@dataclass(frozen=True, slots=True)
class MergeRow:
    """One field of all the records."""

    name: str
    label: str
    differs: bool
    choices: tuple[MergeChoice, ...]
    both: bool = False
    """A list: what any of them has may be kept together."""


@dataclass(frozen=True, slots=True)
class MergeRecord:
    """One of the records."""

    id: str
    title: str
    changed: Markup
    filled: int


@dataclass(frozen=True, slots=True)
class MergePage:
    """Records side by side."""

    module: ModuleView
    records: tuple[MergeRecord, ...]
    rows: tuple[MergeRow, ...]
    keep: str
    chooser: FieldWidget | None = None
    problem: str = ""


async def _records(here: Visit, module: CompiledModule, texts: list[str]) -> list[dict[str, Any]]:
    found = []
    for text in list(dict.fromkeys(texts))[:MOST]:
        try:
            identity = UUID(text)
        except ValueError:
            raise NotFound(Problem("not_found", "", "There is no such record.")) from None
        found.append(orjson.loads((await read.get(here.unit, module.name, identity)).json))
    if not found:
        raise NotFound(Problem("not_found", "", "Name the records to merge."))
    return found


def _parts(here: Visit, module: CompiledModule) -> list[tuple[CompiledField | CompiledLink, ColumnView]]:
    """What can be chosen: fields and links that the actor sees and may write."""
    builder, found = FormBuilder(here, module), []
    for part in module.parts:
        if builder.writable(part.name) is None or (isinstance(part, CompiledLink) and part.many):
            continue
        column = builder.describer.column(module, part.name)
        if column is not None:
            found.append((part, column))
    return found


def _row(
    here: Visit,
    part: CompiledField | CompiledLink,
    column: ColumnView,
    records: list[dict[str, Any]],
    keep: str,
) -> MergeRow:
    values = [record.get(part.name) for record in records]
    filled = [value for value in values if not is_empty(value)]
    differs = any(value != filled[0] for value in filled[1:])
    both = differs and isinstance(part, CompiledField) and part.kind is Kind.LIST
    own = next((record for record in records if record["id"] == keep and not is_empty(record.get(part.name))), None)
    best = own or next((record for record in records if not is_empty(record.get(part.name))), records[0])
    choices = tuple(
        MergeChoice(
            record["id"],
            show(column, record, here.reader, full=False),
            is_empty(record.get(part.name)),
            record is best and not both,
        )
        for record in records
    )
    return MergeRow(part.name, column.label, differs, choices, both)


async def _view(here: Visit, module: CompiledModule, ids: list[str], keep: str, problem: str = "") -> MergePage:
    records = await _records(here, module, ids)
    parts = _parts(here, module)
    described = Describer(here)

    def filled(record: dict[str, Any]) -> int:
        return sum(not is_empty(record.get(part.name)) for part, _ in parts)

    # The most complete one stays unless somebody says otherwise; among equals the one that was there first.
    best = max(records, key=lambda record: (filled(record), -records.index(record)))
    keep = keep if any(record["id"] == keep for record in records) else best["id"]
    rows = [_row(here, part, column, records, keep) for part, column in parts]
    rows = [row for row in rows if not all(choice.empty for choice in row.choices)]
    rows.sort(key=lambda row: not row.differs)
    changed = described.column(module, "updated_at")
    assert changed is not None
    shown = tuple(
        MergeRecord(record["id"], record.get("title") or "—", show(changed, record, here.reader), filled(record))
        for record in records
    )
    chooser = None
    if len(records) < MOST:
        choices = tuple(await FormBuilder(here, module).choices(module, None, CHOICES))
        label = described.text(module.definition.label)
        chooser = FieldWidget(
            "ids",
            here.t("Another {label}", label=label),
            "link",
            settings={"choices": choices},
            modules=((module.name, label),),
        )
    return MergePage(described.module(module), shown, tuple(rows), keep, chooser, problem)


def _shown(here: Visit, view: MergePage, *, status: int = 200) -> Response[bytes]:
    title = here.t("Merge {label}", label=view.module.label_plural)
    frame = shell(here, title, module=view.module.name, create_url=view.module.create_url)
    text = render.environment(frame.locale).get_template("merge.html.jinja").render(page=view, shell=frame, more=False)
    return html(text, frame.nonce, status=status)


@get("/m/{module:str}/merge")
async def merge_page(request: Req) -> Response[bytes]:
    """The records of `ids`, side by side."""
    texts = [part for text in request.query_params.getall("ids", []) for part in str(text).split(",") if part]
    async with visit(request) as here:
        module = here.unit.module(request.path_params["module"])
        here.unit.policy.require(module.id, "edit")
        here.unit.policy.require(module.id, "archive")
        view = await _view(here, module, texts, request.query_params.get("keep", ""))
        return _shown(here, view)


@post("/m/{module:str}/merge", status_code=200)
async def merge_records(request: Req) -> Response[bytes]:
    """Merge: for a script as JSON, for a form by going to the record that stays."""
    caller = await caller_of(request)
    form = await form_of(request, caller)
    name = request.path_params["module"]

    async def work(unit: Unit, here: Visit) -> dict[str, Any]:
        return await _merge(unit, here, unit.module(name), form)

    if request.headers.get("accept", "").startswith("application/json"):
        return answer(*await change(request, caller, work))
    async with visit(request, caller) as here:
        module = here.unit.module(name)
        try:
            done = await _merge(here.unit, here, module, form)
        except (Invalid, Conflict) as refused:
            problem = " ".join(one.message for one in refused.problems)
            view = await _view(here, module, form.texts("id"), form.text("keep"), problem)
            return _shown(here, view, status=422)
        return redirect(done["url"], toast=done["text"])


async def _merge(unit: Unit, here: Visit, module: CompiledModule, form: Form) -> dict[str, Any]:
    records = await _records(here, module, form.texts("id"))
    by_id = {record["id"]: record for record in records}
    keep = form.text("keep")
    if keep not in by_id or len(by_id) < 2:
        raise Invalid(Problem("merge", "", here.t("Choose at least two records, and the one that stays.")))
    values: dict[str, Any] = {}
    for part, _ in _parts(here, module):
        chosen = form.text(f"pick.{part.name}")
        if chosen == BOTH:
            every = [item for record in records for item in record.get(part.name) or []]
            values[part.name] = [item for at, item in enumerate(every) if item not in every[:at]]
        elif chosen in by_id and chosen != keep and by_id[chosen].get(part.name) != by_id[keep].get(part.name):
            value = by_id[chosen].get(part.name)
            if isinstance(part, CompiledLink) and isinstance(value, dict):
                value = {"module": value["module"], "id": value["id"]}
            values[part.name] = value
    others = [UUID(one) for one in by_id if one != keep]
    stored = await merge(unit, module.name, UUID(keep), others, values)
    title = orjson.loads(stored.json).get("title", "")
    text = here.t("{count} records are now one: {title}", count=len(by_id), title=title)
    return {"text": text, "url": f"/m/{module.name}/{keep}"}


HANDLERS = [merge_page, merge_records]
