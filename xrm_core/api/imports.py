"""Importing files: upload, mapping, dry run, run in the background with progress, rows with problems, undo."""

from __future__ import annotations

import asyncio
import io
import logging
from collections.abc import Coroutine
from typing import Any

import orjson
from litestar import Response, get, post, put
from litestar.datastructures import UploadFile

from xrm_core.access.callers import Caller
from xrm_core.api.answers import Answer, as_json, change_outside
from xrm_core.api.body import json_object
from xrm_core.api.files import download_headers, safe_name
from xrm_core.api.problems import TooLarge, WrongMediaType
from xrm_core.api.query import Parameters, record_id
from xrm_core.api.services import Req, caller_of, services_of
from xrm_core.importing.jobs import Imports
from xrm_core.importing.mapping import read_mapping
from xrm_core.importing.outcome import ErrorFile
from xrm_core.importing.reader import Table, open_table
from xrm_core.importing.run import prepare
from xrm_core.kernel.errors import Invalid, Malformed, XrmError
from xrm_core.kernel.problem import Problem
from xrm_core.records.unit import Unit
from xrm_core.storage import imports as store
from xrm_core.storage.imports import StoredImport
from xrm_core.storage.rows import instant

SHORT = 5.0
"""Seconds that a request waits for work to end before it answers that the work goes on."""
_MOST_ROWS = 1_000
log = logging.getLogger("xrm.imports")


@post("/imports")
async def upload(request: Req) -> Response[bytes]:
    """Upload a file as the part `file` of a multipart form, with `module`; `encoding` and `delimiter` if they are known."""
    caller = await caller_of(request)
    Parameters(request.scope["query_string"], ())
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "multipart/form-data":
        raise WrongMediaType(Problem("media_type", "", "A file is sent as multipart/form-data.", "Name the part 'file'."))
    await request.body()  # kept, so that an idempotency key can be held against it
    try:
        form = await request.form()
    except (ValueError, KeyError) as error:
        raise Malformed(Problem("multipart", "", f"The form cannot be read: {error}.")) from None
    sent, module = form.get("file"), form.get("module")
    problems = []
    if not isinstance(sent, UploadFile):
        problems.append(Problem("required", "/file", "There is no part named 'file' with a file in it."))
    if not isinstance(module, str) or not module:
        problems.append(Problem("required", "/module", "The part 'module' names the module to import into."))
    unknown = [key for key in form if key not in ("file", "module", "encoding", "delimiter", "header")]
    problems += [Problem("unknown_key", f"/{key[:60]}", f"There is no part {key[:60]!r} here.") for key in unknown]
    if problems:
        raise Invalid(problems)
    assert isinstance(sent, UploadFile) and isinstance(module, str)
    content = await sent.read()
    limit = services_of(request).file_limit
    if len(content) > limit:
        raise TooLarge(Problem("too_large", "/file", f"A file has at most {limit // 1024 // 1024} MB."))
    options = {key: value for key in ("encoding", "delimiter") if isinstance(value := form.get(key), str) and value}
    header = {"true": True, "false": False}.get(str(form.get("header", "")).lower())
    imports = _imports(request, caller)

    async def work() -> Answer:
        table = await asyncio.to_thread(lambda: open_table(content, header=header, **options))
        added = await imports.add(module, safe_name(sent.filename or ""), table, content=content)
        body = await _described(imports, added, table)
        return Answer(201, orjson.dumps(body), {"Location": f"/api/v1/imports/{added.id}"})

    return await change_outside(request, caller, work)


@get("/imports")
async def list_imports(request: Req) -> Response[bytes]:
    """The latest imports."""
    caller = await caller_of(request)
    Parameters(request.scope["query_string"], ())
    found = await _imports(request, caller).newest()
    names = await _module_names(request, caller)
    return as_json({"data": [_shown(one, names) for one in found]})


@get("/imports/{id:str}")
async def get_import(request: Req) -> Response[bytes]:
    """How far an import has come, what it did, and what is wrong with the first rows."""
    caller, imports, known = await _known(request)
    Parameters(request.scope["query_string"], ())
    return as_json(await _state(request, caller, known))


@put("/imports/{id:str}/mapping")
async def put_mapping(request: Req) -> Response[bytes]:
    """Say where the columns go; what is not named is guessed from the headers."""
    caller, imports, known = await _known(request)
    Parameters(request.scope["query_string"], ())
    given = await json_object(request)
    changed = await imports.set_mapping(known.id, given)
    return as_json(await _described(imports, changed, await imports.table(changed)))


@post("/imports/{id:str}/plan", status_code=200)
async def plan_import(request: Req) -> Response[bytes]:
    """A dry run: everything is checked and counted, nothing is kept; 202 when it takes longer than a request should."""
    caller, imports, known = await _known(request)
    Parameters(request.scope["query_string"], ())

    async def work() -> Answer:
        claimed = await imports.claim(known.id, "planning")
        task = _in_background(request, imports.plan(claimed))
        await asyncio.wait({task}, timeout=SHORT)
        status = 200
        if task.done():
            task.result()
        else:
            status = 202
        return Answer(status, orjson.dumps(await _state(request, caller, await imports.get(known.id))))

    return await change_outside(request, caller, work)


@post("/imports/{id:str}/run", status_code=202)
async def run_import(request: Req) -> Response[bytes]:
    """Import the file in the background; an import that was interrupted goes on where it was."""
    caller, imports, known = await _known(request)
    Parameters(request.scope["query_string"], ())

    async def work() -> Answer:
        claimed = await imports.claim(known.id, "running")
        _in_background(request, imports.run(claimed))
        return Answer(202, orjson.dumps(await _state(request, caller, await imports.get(known.id))))

    return await change_outside(request, caller, work)


@post("/imports/{id:str}/undo", status_code=200)
async def undo_import(request: Req) -> Response[bytes]:
    """Take back what the import did, except what others need or changed since; 202 when it takes longer than a request should."""
    caller, imports, known = await _known(request)
    Parameters(request.scope["query_string"], ())

    async def work() -> Answer:
        claimed = await imports.claim(known.id, "undoing")
        task = _in_background(request, imports.undo(claimed))
        await asyncio.wait({task}, timeout=SHORT)
        if not task.done():
            return Answer(202, orjson.dumps(await _state(request, caller, await imports.get(known.id))))
        undone = task.result()
        body = {**await _state(request, caller, await imports.get(known.id)), "undone": undone.as_json()}
        return Answer(200, orjson.dumps(body))

    return await change_outside(request, caller, work)


@get("/imports/{id:str}/rows")
async def import_rows(request: Req) -> Response[bytes]:
    """Rows with problems, in the order of the file; `after` is the last row number seen."""
    caller, imports, known = await _known(request)
    parameters = Parameters(request.scope["query_string"], ("after", "limit"))
    after, limit = parameters.number("after", 0, 0, 999_999_999), parameters.number("limit", 100, 1, _MOST_ROWS)
    async with services_of(request).database.writing() as connection:
        rows = await store.rows(connection, caller.workspace.schema, known.id, after, limit + 1)
    shown = rows[:limit]
    data = [{"row": row.number, "left_out": row.left_out, "problems": row.problems, "cells": row.cells} for row in shown]
    return as_json({"data": data, "next": shown[-1].number if len(rows) > len(shown) else None})


@get("/imports/{id:str}/errors.csv")
async def import_errors(request: Req) -> Response[bytes]:
    """The rows that were left out, as a CSV file with the reason in a last column."""
    caller, imports, known = await _known(request)
    Parameters(request.scope["query_string"], ())
    text = io.StringIO()
    file = ErrorFile(text, known.format.get("columns", []))
    after = 0
    async with services_of(request).database.writing() as connection:
        while rows := await store.rows(connection, caller.workspace.schema, known.id, after, _MOST_ROWS):
            file.add(rows)
            after = rows[-1].number
    name = f"{known.file_name.rpartition('.')[0] or known.file_name}-left-out.csv"
    body = text.getvalue().encode("utf-8-sig", "replace")
    return Response(body, media_type="text/csv; charset=utf-8", headers=download_headers(name))


# -- parts ----------------------------------------------------------------------------------------------------------------


def _imports(request: Req, caller: Caller) -> Imports:
    return Imports(services_of(request).units, caller.workspace, caller.actor)


async def _known(request: Req) -> tuple[Caller, Imports, StoredImport]:
    caller = await caller_of(request)
    imports = _imports(request, caller)
    return caller, imports, await imports.get(record_id(request.path_params["id"]))


def _in_background(request: Req, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
    """The work as a task that outlives the request; the application holds it until it is done."""
    state = request.app.state
    if "imports" not in state:
        state["imports"] = set()
    running: set[asyncio.Task[Any]] = state["imports"]
    task = asyncio.create_task(work)
    running.add(task)

    def ended(done: asyncio.Task[Any]) -> None:
        running.discard(done)
        error = None if done.cancelled() else done.exception()
        if error is not None and not isinstance(error, XrmError):
            log.error("an import failed", exc_info=error)

    task.add_done_callback(ended)
    return task


async def _module_names(request: Req, caller: Caller) -> dict[str, str]:
    async with services_of(request).units.begin(caller.workspace, caller.actor) as unit:
        return {module.id: module.name for module in unit.catalog.modules.values()}


def _shown(known: StoredImport, names: dict[str, str]) -> dict[str, Any]:
    return {
        "id": str(known.id),
        "module": names.get(known.module_id, known.module_id),
        "file": known.file_name,
        "state": known.state,
        "counts": known.counts,
        "progress": {"done": known.counts.get("rows", 0), "total": known.format.get("rows", 0)},
        "created_at": instant(known.created_at),
        "finished_at": None if known.finished_at is None else instant(known.finished_at),
        "problems": (known.error or {}).get("problems", []),
    }


async def _state(request: Req, caller: Caller, known: StoredImport) -> dict[str, Any]:
    async with services_of(request).database.writing() as connection:
        rows = await store.rows(connection, caller.workspace.schema, known.id, 0, 20)
    shown = [{"row": row.number, "left_out": row.left_out, "problems": row.problems} for row in rows]
    body = _shown(known, await _module_names(request, caller))
    return {**body, "mapping": known.mapping, "format": known.format, "rows": shown}


async def _described(imports: Imports, known: StoredImport, table: Table) -> dict[str, Any]:
    """An import with its columns: where each goes, how sure that is, and a few of its values."""
    mapping, _ = read_mapping(known.mapping)

    async def work(unit: Unit) -> dict[str, Any]:
        names = {module.id: module.name for module in unit.catalog.modules.values()}
        try:
            prepared = prepare(unit, names[known.module_id], table.columns, mapping)
            assigned = {one.column: one for one in prepared.assigned}
            match = list(prepared.match)
            problems: list[Problem] = []
        except Invalid as error:
            assigned, match, problems = {}, [], error.problems
        columns = []
        for column, samples in zip(table.columns, table.samples, strict=True):
            one = assigned.get(column)
            target = one.target.text if one is not None and one.target is not None else None
            columns.append(
                {"name": column, "samples": list(samples), "target": target, "sure": one.sure if one and target else 0}
            )
        return {
            **_shown(known, names),
            "columns": columns,
            "match": match,
            "mapping": known.mapping,
            "format": known.format,
            "notes": [note.as_dict() for note in table.notes],
            "problems": [problem.as_dict() for problem in problems],
        }

    return await imports.units.run(imports.workspace, imports.actor, work)


UPLOADS = [upload, list_imports]
"""Handlers of one path belong to one router."""
HANDLERS = [
    get_import, put_mapping, plan_import, run_import, undo_import, import_rows, import_errors,
]  # fmt: skip
