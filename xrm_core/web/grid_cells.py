"""Cells as texts: what a spreadsheet puts on the clipboard, written into records as one change that is undone as one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import orjson
from litestar import Response, post

from xrm_core.fields import Rejected
from xrm_core.kernel.errors import Malformed
from xrm_core.kernel.labels import Label
from xrm_core.kernel.problem import Problem, pointer
from xrm_core.kernel.text import fold
from xrm_core.records import batch, read
from xrm_core.records.prepare import parse_context
from xrm_core.records.query import RecordQuery
from xrm_core.records.unit import Unit
from xrm_core.storage.model import CompiledModule
from xrm_core.web.pages import UserView
from xrm_core.web.services import Req, caller_of, people, services_of
from xrm_core.web.widgets import widget_of

MOST = 5_000
"""Cells that can be pasted in one go."""
Wrong = dict[str, Any]


@post("/m/{module:str}/cells", status_code=200)
async def write_cells(request: Req) -> Response[bytes]:
    """Write texts into cells: `{"changes": [{"id", "version", "field", "text"}]}`; wrong ones are left out and named."""
    caller = await caller_of(request)
    caller.require_csrf(request.headers.get("x-csrf-token"))
    changes = _read(await request.body())
    name = request.path_params["module"]
    services = services_of(request)
    users = await people(services, caller)

    async def work(unit: Unit) -> tuple[bytes, str | None]:
        module = unit.module(name)
        unit.policy.require(module.id, "edit")
        await unit.transaction()
        rows, wrong = await _Reading(unit, module, users).rows(changes)
        ok, stale = await _write(unit, module, rows, wrong)
        body = orjson.dumps({"ok": ok, "wrong": wrong, "stale": stale})
        return body, str(unit.changed) if unit.changed else None

    body, change = await services.units.run(caller.workspace, caller.actor, work)
    headers = {"X-Change-Id": change} if change else {}
    return Response(body, media_type="application/json", headers={"Cache-Control": "no-store", **headers})


def _read(body: bytes) -> list[dict[str, Any]]:
    try:
        given = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Malformed(Problem("json", "", "This is not JSON.")) from None
    changes = given.get("changes") if isinstance(given, dict) else None
    if not isinstance(changes, list) or not 1 <= len(changes) <= MOST:
        raise Malformed(Problem("type", "/changes", f"A list of 1 to {MOST} changes is needed."))
    for n, one in enumerate(changes):
        fine = (
            isinstance(one, dict)
            and all(isinstance(one.get(key), str) for key in ("id", "field", "text"))
            and (one.get("version") is None or type(one["version"]) is int)
        )
        if not fine:
            raise Malformed(Problem("type", pointer("changes", n), "A change has id, field and text."))
        try:
            UUID(one["id"])
        except ValueError:
            raise Malformed(Problem("id", pointer("changes", n, "id"), "This is not an id.")) from None
    return changes


class _Reading:
    """Reads texts as values of a module's fields, links, owner and stage."""

    def __init__(self, unit: Unit, module: CompiledModule, users: Mapping[str, UserView]) -> None:
        self.unit, self.module, self.users = unit, module, users
        self.context = parse_context(unit)
        self.hidden = unit.policy.module(module.id).hidden
        self.titles: dict[str, dict[str, list[str]]] = {}

    async def rows(self, changes: list[dict[str, Any]]) -> tuple[dict[str, dict[str, Any]], list[Wrong]]:
        """What is to be written, by record; and what cannot be read."""
        await self._find_titles(changes)
        rows: dict[str, dict[str, Any]] = {}
        wrong: list[Wrong] = []
        for one in changes:
            name = one["field"]
            try:
                value = self._value(name, one["text"].strip())
            except Rejected as rejected:
                wrong.append(_wrong(one["id"], name, rejected.problems))
                continue
            row = rows.setdefault(one["id"], {})
            row[name] = value
            if one.get("version") is not None:
                row["version"] = one["version"]
        return rows, wrong

    def _value(self, name: str, text: str) -> Any:
        module = self.module
        if not text:
            return None
        known = module.fields.get(name)
        if known is not None and known.id not in self.hidden:
            if widget_of(known.definition) == "user":
                return self._person(text)
            return known.definition.parse_text(text, self.context)
        if name == "owner":
            return self._person(text)
        if name == "stage":
            wanted = fold(text)
            for stage in module.stages.values():
                if not stage.archived and wanted in {fold(stage.name), *map(fold, _texts(stage.label))}:
                    return stage.name
            raise Rejected(Problem("unknown_stage", "", f"There is no stage {text[:40]!r}."))
        link = module.links.get(name)
        if link is not None and link.id not in self.hidden and not link.many:
            found = self.titles.get(name, {}).get(fold(text), [])
            if len(found) == 1:
                return found[0]
            said = "Several records are called" if found else "There is no record called"
            raise Rejected(Problem("unknown_record", "", f"{said} {text[:60]!r}.", "Choose it in the cell."))
        raise Rejected(Problem("unknown_field", "", f"{name[:60]!r} cannot be written here."))

    def _person(self, text: str) -> str:
        wanted = fold(text)
        found = [user.id for user in self.users.values() if wanted in (fold(user.name), fold(user.email))]
        if len(found) == 1:
            return found[0]
        said = "Several people are called" if found else "There is nobody called"
        raise Rejected(Problem("unknown_user", "", f"{said} {text[:60]!r}.", "Write the e-mail address."))

    async def _find_titles(self, changes: list[dict[str, Any]]) -> None:
        """The records that links are to lead to, by link and folded title."""
        wanted: dict[str, set[str]] = {}
        for one in changes:
            link = self.module.links.get(one["field"])
            if link is not None and link.id not in self.hidden and not link.many and one["text"].strip():
                wanted.setdefault(link.name, set()).add(one["text"].strip())
        for name, texts in wanted.items():
            by_title = self.titles[name] = {}
            for target in self.module.links[name].targets:
                other = self.unit.catalog.modules[target]
                if not self.unit.policy.allows(other.id, "see"):
                    continue
                asked = {"field": "title", "op": "in", "value": sorted(texts)}
                query = RecordQuery(other.name, filter=asked, fields=("title",), limit=1000)
                for row in (await read.find(self.unit, query)).rows:
                    record = orjson.loads(row)
                    by_title.setdefault(fold(record.get("title", "")), []).append(record["id"])


def _texts(label: Label) -> list[str]:
    return [label] if isinstance(label, str) else list(label.values())


async def _write(
    unit: Unit, module: CompiledModule, rows: dict[str, dict[str, Any]], wrong: list[Wrong]
) -> tuple[int, list[str]]:
    """How many cells were written, and the records that somebody else changed meanwhile."""
    if not rows:
        return 0, []
    update = [{"id": identifier, **values} for identifier, values in rows.items()]
    answer = await batch.batch(unit, module.name, {"update": update, "atomic": False})
    again: list[dict[str, Any]] = []
    ok, stale = 0, []
    for row, outcome in zip(update, answer["results"]["update"], strict=True):
        cells = [key for key in row if key not in ("id", "version")]
        if outcome.get("status") != "invalid":
            ok += len(cells)
            continue
        problems = outcome["problems"]
        if any(problem["code"] == "stale" for problem in problems):
            stale.append(row["id"])
            continue
        named = {problem["path"].split("/")[1] for problem in problems if problem["path"].count("/")} & set(cells)
        for name in sorted(named) or cells:
            mine = [problem for problem in problems if not named or problem["path"].startswith(f"/{name}")]
            wrong.append({"id": row["id"], "field": name, "problems": mine})
        # The other cells of the row are as good as those of other rows.
        rest = {key: value for key, value in row.items() if key not in named}
        if named and len(rest) > 1 + ("version" in row):
            again.append(rest)
    if again:
        more, late = await _write(unit, module, {row.pop("id"): row for row in again}, wrong)
        ok, stale = ok + more, stale + late
    return ok, stale


def _wrong(identifier: str, field: str, problems: list[Problem]) -> Wrong:
    return {"id": identifier, "field": field, "problems": [problem.as_dict() for problem in problems]}


HANDLERS = [write_cells]
