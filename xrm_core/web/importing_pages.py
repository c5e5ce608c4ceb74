"""Importing in the browser: upload, say where columns go, check, run, see what came of it, take it back."""

from __future__ import annotations

from collections.abc import Iterator

from litestar import Response, get

from xrm_core.fields.capabilities import HoldsUsers
from xrm_core.importing.jobs import READY, Imports
from xrm_core.importing.mapping import read_mapping
from xrm_core.importing.reader import Table
from xrm_core.importing.run import prepare
from xrm_core.importing.targets import KEY, choices
from xrm_core.kernel.errors import Invalid, NotFound
from xrm_core.kernel.kinds import Kind
from xrm_core.kernel.problem import Problem
from xrm_core.records.unit import Unit
from xrm_core.storage import imports as store
from xrm_core.storage.imports import StoredImport
from xrm_core.storage.model import CompiledLink, CompiledModule
from xrm_core.storage.rows import instant
from xrm_core.web import formats
from xrm_core.web.describe import Describer
from xrm_core.web.editing import record_id
from xrm_core.web.frame import page, shell
from xrm_core.web.services import Req, Visit, caller_of, services_of, visit
from xrm_core.web.views_importing import BadRow, ColumnLine, ImportLine, ImportPage, ImportsPage, TargetGroup

SHOWN_ROWS = 20
BUSY = ("planning", "running", "undoing")
HUES = {"done": "green", "failed": "red", "undone": "gray", "planned": "blue", "uploaded": "gray"}


@get("/imports")
async def imports_page(request: Req) -> Response[bytes]:
    """Upload a file; the latest imports."""
    async with visit(request) as here:
        here.unit.policy.require_import()
        describer = Describer(here)
        allowed = [m for m in describer.modules() if here.unit.policy.allows(m.id, "create")]
        modules = tuple((m.name, describer.module(m).label_plural) for m in allowed)
        imports = Imports(services_of(request).units, here.caller.workspace, here.caller.actor)
        lines = tuple(_line(here, one) for one in await imports.newest(20))
        limit = services_of(request).file_limit // 1024 // 1024
        view = ImportsPage(modules, request.query_params.get("module", ""), lines, limit)
        return page(here, view, shell(here, here.t("Import"), place="imports"))


@get("/imports/{id:str}")
async def import_page(request: Req) -> Response[bytes]:
    """One import, at its step."""
    caller = await caller_of(request)
    imports = Imports(services_of(request).units, caller.workspace, caller.actor)
    known = await imports.get(record_id(request))
    remap = request.query_params.get("step") == "map" and known.state in READY and not known.position
    table = None
    if remap or known.state == "uploaded":
        table = await imports.table(known)
    async with visit(request, caller) as here:
        here.unit.policy.require_import()
        module = here.unit.catalog.modules.get(known.module_id)
        if module is None:
            raise NotFound(Problem("not_found", "", "The module of this import is gone."))
        connection = await here.unit.writer()
        rows = await store.rows(connection, here.unit.schema, known.id, 0, SHOWN_ROWS)
        bad = tuple(
            BadRow(row.number, row.left_out, tuple(_sentence(problem) for problem in row.problems)) for row in rows
        )
        view = _view(here, known, module, table, bad)
        return page(here, view, shell(here, here.t("Import of {file}", file=known.file_name), place="imports"))


def _view(
    here: Visit, known: StoredImport, module: CompiledModule, table: Table | None, bad: tuple[BadRow, ...]
) -> ImportPage:
    t, describer = here.t, Describer(here)
    mapping, _ = read_mapping(known.mapping)
    columns: tuple[ColumnLine, ...] = ()
    problems = tuple(problem.get("message", "") for problem in (known.error or {}).get("problems", []))
    match = mapping.match
    if table is not None:
        columns, match, problems = _columns(here.unit, module, table, known)
    step = 1 if table is not None else 2 if known.state in ("planning", "planned") else 3 if known.state == "running" else 4
    counts = known.counts
    labels = {
        "created": t("New"), "updated": t("Changed"), "unchanged": t("Already right"), "skipped": t("Skipped"),
        "left_out": t("Left out because of problems"), "erased": t("Taken back"), "restored": t("As they were again"),
        "kept": t("Kept: needed or changed since"),
    }  # fmt: skip
    shown = tuple((name, label, counts[name]) for name, label in labels.items() if counts.get(name))
    return ImportPage(
        str(known.id),
        known.file_name,
        describer.module(module),
        known.state,
        step,
        _state(here, known.state),
        known.format.get("rows", 0) or counts.get("rows", 0),
        columns,
        tuple(_targets(here, module)) if table is not None else (),
        match[0] if match else "",
        tuple(_matches(here, module)) if table is not None else (),
        mapping.existing,
        mapping.unresolved,
        shown,
        bad,
        counts.get("left_out", 0),
        problems,
        counts.get("rows", 0),
        known.state in ("done", "failed") and counts.get("created", 0) + counts.get("updated", 0) > 0,
        known.state in READY and not known.position,
    )


def _columns(
    unit: Unit, module: CompiledModule, table: Table, known: StoredImport
) -> tuple[tuple[ColumnLine, ...], tuple[str, ...], tuple[str, ...]]:
    """The columns with where they go, how records are found, and what is wrong with the mapping."""
    mapping, _ = read_mapping(known.mapping)
    problems: tuple[str, ...] = ()
    match: tuple[str, ...] = mapping.match
    places: dict[str, tuple[str, float]] = {}
    try:
        prepared = prepare(unit, module.name, table.columns, mapping)
        match = tuple(prepared.match)
        places = {one.column: (one.target.text, one.sure) for one in prepared.assigned if one.target is not None}
    except Invalid as refused:
        problems = tuple(problem.message for problem in refused.problems)
    lines = []
    for name, samples in zip(table.columns, table.samples, strict=True):
        target, sure = places.get(name, ("", 0.0))
        lines.append(ColumnLine(name, tuple(samples)[:3], target, round(sure * 100)))
    return tuple(lines), match, problems


def _targets(here: Visit, module: CompiledModule) -> Iterator[TargetGroup]:
    """Where columns may go: fields with their parts, links by what tells their records apart, the rest."""
    t, describer, unit = here.t, Describer(here), here.unit
    fields: list[tuple[str, str]] = []
    others: list[tuple[str, str]] = []
    for text in choices(unit, module):
        name, _, part = text.partition(".")
        field = module.fields.get(name)
        if field is not None:
            label = describer.text(field.definition.label)
            fields.append((text, f"{label} › {part.replace('_', ' ')}" if part else label))
        elif name not in module.links:
            known = {
                "owner": t("Owner"), "stage": t("Stage"), "created_at": t("Created"), KEY: t("Key of the other system"),
            }  # fmt: skip
            others.append((text, known.get(name, name)))
    yield TargetGroup(t("Fields"), tuple(fields))
    allowed = set(choices(unit, module))
    for link in module.links.values():
        if link.name in allowed:
            label = describer.text(link.definition.label)
            yield TargetGroup(t("{link}: found by", link=label), tuple(_by(here, link, label)))
    yield TargetGroup(t("About the record"), tuple(others))


def _by(here: Visit, link: CompiledLink, label: str) -> Iterator[tuple[str, str]]:
    t, describer = here.t, Describer(here)
    yield link.name, t("{link}: whatever fits", link=label)
    for target in (here.unit.catalog.modules[one] for one in link.targets if one in here.unit.catalog.modules):
        if not describer.sees(target):
            continue
        start = f"{link.name}.{target.name}" if link.polymorphic else link.name
        front = f"{label} ({describer.module(target).label})" if link.polymorphic else label
        yield f"{start}.title", t("{link}: by name", link=front)
        hidden = describer.hidden(target)
        for field in target.fields.values():
            apart = field.kind is Kind.TEXT and not field.beside and not field.computed and field.id not in hidden
            if apart and not isinstance(field.definition, HoldsUsers) and (field.definition.unique or field.definition.searchable):
                yield f"{start}.{field.name}", t("{link}: by {field}", link=front, field=describer.text(field.definition.label))
        yield f"{start}.{KEY}", t("{link}: by key of the other system", link=front)


def _matches(here: Visit, module: CompiledModule) -> Iterator[tuple[str, str]]:
    """What can tell that a row is about a record that is there already."""
    t, describer = here.t, Describer(here)
    hidden = describer.hidden(module)
    plain = [f for f in module.fields.values() if f.kind is Kind.TEXT and not f.beside and not f.computed and f.id not in hidden]
    for field in sorted(plain, key=lambda f: not f.definition.unique):
        if field.definition.unique or field.definition.searchable:
            yield field.name, t("with the same {field}", field=describer.text(field.definition.label))
    yield KEY, t("with the same key of the other system")


def _line(here: Visit, one: StoredImport) -> ImportLine:
    module = here.unit.catalog.modules.get(one.module_id)
    reader, at = here.reader, instant(one.created_at)
    label = Describer(here).module(module).label_plural if module is not None else one.module_id
    return ImportLine(
        f"/imports/{one.id}",
        one.file_name,
        label,
        _state(here, one.state),
        HUES.get(one.state, "amber"),
        formats.since(at, reader.now, reader.locale, reader.zone),
        one.counts.get("rows", 0) or one.format.get("rows", 0),
    )


def _state(here: Visit, state: str) -> str:
    t = here.t
    return {
        "uploaded": t("Where do the columns go?"), "planning": t("Checking"), "planned": t("Checked"),
        "running": t("Importing"), "done": t("Imported"), "failed": t("Interrupted"), "undoing": t("Taking back"),
        "undone": t("Taken back"),
    }.get(state, state)  # fmt: skip


def _sentence(problem: dict[str, str]) -> str:
    place = f"{problem['column']}: " if "column" in problem else ""
    return f"{place}{problem.get('message', '')} {problem.get('hint', '')}".strip()


HANDLERS = [imports_page, import_page]
