"""A workspace with companies, people and groups, and short ways to import into it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest

from xrm_core.catalog import Catalogs
from xrm_core.definitions import DefinitionSet, Module
from xrm_core.importing.mapping import Mapping, read_mapping
from xrm_core.importing.outcome import Outcome
from xrm_core.importing.reader import open_table
from xrm_core.importing.run import Importer
from xrm_core.kernel.actor import SYSTEM, Actor
from xrm_core.kernel.clock import FixedClock
from xrm_core.publishing import plan, publish
from xrm_core.records import read, write
from xrm_core.records.query import RecordQuery
from xrm_core.records.unit import Units
from xrm_core.storage import members
from xrm_core.storage.database import Database
from xrm_core.storage.workspaces import Workspace

COMPANIES: dict[str, Any] = {
    "name": "companies", "label": {"en": "Company", "de": "Firma"}, "label_plural": {"en": "Companies", "de": "Firmen"},
    "title": "{{ name }}",
    "fields": [
        {"name": "name", "type": "text", "label": "Name", "required": True, "indexed": True, "searchable": True},
        {"name": "domain", "type": "text", "label": "Domain", "unique": True},
        {"name": "website", "type": "url", "label": "Website"},
        {"name": "employees", "type": "integer", "label": {"en": "Employees", "de": "Mitarbeiter"}, "min": 0},
        {"name": "revenue", "type": "money", "label": "Revenue"},
        {"name": "address", "type": "address", "label": "Address"},
        {"name": "people_count", "type": "rollup", "label": "People", "link": "people", "function": "count"},
    ],
    "links": [
        {"name": "parent", "label": "Parent", "to": ["companies"], "inverse": {"name": "daughters", "label": "Daughters"}},
    ],
}  # fmt: skip
PEOPLE: dict[str, Any] = {
    "name": "people", "label": "Person", "label_plural": "People", "title": "{{ name }}",
    "fields": [
        {"name": "name", "type": "person_name", "label": "Name", "required": True, "indexed": True, "searchable": True},
        {"name": "email", "type": "email", "label": {"en": "E-mail", "de": "E-Mail-Adresse"}, "unique": True},
        {"name": "phone", "type": "phone", "label": "Phone"},
        {"name": "born_on", "type": "date", "label": {"en": "Date of birth", "de": "Geburtsdatum"}},
        {"name": "level", "type": "select", "label": "Level", "options": [
            {"name": "gold", "label": {"en": "Gold", "de": "Golden"}}, {"name": "tin", "label": "Tin"}]},
        {"name": "tags", "type": "multi_select", "label": "Tags", "open": True},
        {"name": "notes", "type": "long_text", "label": "Notes"},
        {"name": "score", "type": "integer", "label": "Score", "min": 0, "max": 100, "default": 5},
        {"name": "double", "type": "formula", "label": "Double", "formula": "score * 2"},
        {"name": "adviser", "type": "user", "label": "Adviser"},
        {"name": "helpers", "type": "user", "label": "Helpers", "multiple": True},
    ],
    "links": [
        {"name": "company", "label": {"en": "Company", "de": "Firma"}, "to": ["companies"],
         "inverse": {"name": "people", "label": "People"}},
        {"name": "boss", "label": "Boss", "to": ["people"], "inverse": {"name": "reports", "label": "Reports"}},
        {"name": "groups", "label": "Groups", "to": ["groups"], "many": True, "inverse": {"name": "members", "label": "Members"}},
    ],
    "pipelines": [{"name": "care", "label": "Care", "field": "stage", "stages": [
        {"name": "open", "label": {"en": "Open", "de": "Offen"}, "category": "open"},
        {"name": "active", "label": "Active", "category": "open", "requires": ["email"]},
        {"name": "gone", "label": "Gone", "category": "lost", "reasons": [{"name": "moved", "label": "Moved away"}]}]}],
    "rules": [{"name": "born_before_today", "kind": "validation", "check": "is_empty(born_on) or born_on < today()",
               "message": "Nobody is born in the future.", "fields": ["born_on"]}],
}  # fmt: skip
GROUPS: dict[str, Any] = {
    "name": "groups", "label": "Group", "label_plural": "Groups", "title": "{{ name }}",
    "fields": [{"name": "name", "type": "text", "label": "Name", "required": True, "indexed": True}],
}  # fmt: skip
SEATS: dict[str, Any] = {
    "name": "seats", "label": "Seat", "label_plural": "Seats", "title": "{{ person.name }}: {{ role }}",
    "fields": [{"name": "role", "type": "text", "label": "Role"}],
    "links": [
        {"name": "person", "label": "Person", "to": ["people"], "required": True, "on_delete": "restrict",
         "inverse": {"name": "seats", "label": "Seats"}},
        {"name": "company", "label": "Company", "to": ["companies"], "inverse": {"name": "seats", "label": "Seats"}},
    ],
}  # fmt: skip
WORLD = DefinitionSet(modules=tuple(Module.model_validate(one) for one in (COMPANIES, PEOPLE, GROUPS, SEATS)))


@dataclass
class World:
    """The workspace; every call is a unit of work of its own."""

    units: Units
    workspace: Workspace
    actor: Actor
    clock: FixedClock

    def importer(self, module: str, text: str | bytes, mapping: Any = None, **more: Any) -> Importer:
        found, problems = read_mapping(mapping or {})
        assert not problems, problems
        content = text.encode() if isinstance(text, str) else text
        return Importer(self.units, self.workspace, self.actor, module, open_table(content), found, **more)

    async def load(self, module: str, text: str | bytes, mapping: Any = None, *, dry: bool = False, **more: Any) -> Outcome:
        return await self.importer(module, text, mapping, **more).run(dry=dry)

    async def targets(self, module: str, header: str, mapping: Any = None) -> dict[str, str | None]:
        """Where the columns of a header go."""
        prepared = await self.importer(module, header + "\n" + "x;" * header.count(";") + "x\n", mapping).prepare()
        return {one.column: one.target.text if one.target else None for one in prepared.assigned}

    async def find(self, module: str, filter: Any = None, sort: tuple[str, ...] = ()) -> list[dict[str, Any]]:
        listed = await self.units.run(
            self.workspace, SYSTEM, lambda unit: read.find(unit, RecordQuery(module, filter=filter, sort=sort, limit=1000))
        )
        return [orjson.loads(row) for row in listed.rows]

    async def new(self, module: str, **values: Any) -> UUID:
        return (await self.units.run(self.workspace, SYSTEM, lambda unit: write.create(unit, module, values))).id

    async def user(self, name: str, email: str) -> UUID:
        made = uuid4()
        async with self.units.database.writing() as connection:
            await members.put_member(
                connection, self.workspace.schema, made, name=name, email=email, roles=["member"], teams=(), now=self.clock.now()
            )
        return made


def problems_of(outcome: Outcome) -> list[tuple[int, str, str]]:
    """(row, column, code) of every problem."""
    return [
        (row.line.number, problem.path.rpartition("/")[2].replace("~1", "/"), problem.code)
        for row in outcome.rows
        for problem in row.problems
    ]


@pytest.fixture
async def world(database: Database, workspace: Workspace, clock: FixedClock) -> World:
    """The published definitions and an importing member."""
    async with database.writing() as connection:
        planned = await plan(connection, workspace.schema, WORLD)
    assert planned.ok, planned.problems
    await publish(database, workspace.schema, planned, SYSTEM, clock.now())
    units = Units(database, Catalogs(database), clock)
    made = World(units, workspace, SYSTEM, clock)
    user = await made.user("Mary Importer", "mary@office.example")
    made.actor = Actor(user, "Mary Importer", ("member",), "import")
    return made


__all__ = ["Mapping", "World", "problems_of"]
