"""What texts of an automation give for a record: conditions, values, templates, people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from xrm_core.automation.compiled import Ready, is_local
from xrm_core.catalog import CompiledModule
from xrm_core.definitions.automation_scope import needs_before, with_before
from xrm_core.definitions.triggers.base import at_local
from xrm_core.expressions.evaluate import compile as compile_python
from xrm_core.expressions.template import format_value
from xrm_core.expressions.typed import Typed, is_constant
from xrm_core.expressions.values import from_json, to_json
from xrm_core.kernel.kinds import Kind
from xrm_core.messaging.events import mail_fields
from xrm_core.records.environment import RecordEnv, python_of
from xrm_core.records.unit import Unit
from xrm_core.storage import members as member_store
from xrm_core.storage import records as record_store
from xrm_core.storage.database import Connection
from xrm_core.storage.members import Member
from xrm_core.storage.rows import Row
from xrm_core.storage.sql import asking


class _NoRecord:
    """The environment of texts that are about no record."""

    def __init__(self, unit: Unit) -> None:
        self.now, self.today, self.me, self.zone = unit.now, unit.today, unit.me, unit.zone

    def get(self, path: tuple[str, ...]) -> Any:
        return None

    def items(self, path: tuple[str, ...]) -> Sequence[Any]:
        return ()


@dataclass
class Subject:
    """One automation over one record (or none), in one transaction."""

    unit: Unit
    connection: Connection
    ready: Ready
    row: Row | None
    before: dict[str, Any] = field(default_factory=dict)
    """Values of the record as it was, in their stored form, by id."""
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def module(self) -> CompiledModule | None:
        return self.ready.module

    async def holds(self, text: str | None) -> bool:
        """Whether a condition holds; none always does."""
        if text is None:
            return True
        typed = self._bound(self.ready.condition(text))
        if self.row is None or self.module is None:
            return bool(self._closed(typed))
        if is_local(typed):
            return bool(self._python(typed))
        found = await asking.holding(
            self.connection, self.unit.catalog.modules, self.module, typed, [self.row.id], self.unit
        )
        return bool(found)

    async def value(self, text: str) -> tuple[Typed, Any]:
        """The typed tree of an expression and the Python value that it gives."""
        typed = self._bound(self.ready.value(text))
        return typed, await self._value(typed)

    async def stored(self, text: str) -> Any:
        """What an expression gives, in the stored form."""
        typed, found = await self.value(text)
        return as_stored(typed, found)

    async def text(self, template: str) -> str:
        """A template filled in."""
        env: Any = self._env()
        parts = []
        for part in self.ready.template(template):
            if isinstance(part, str):
                parts.append(part)
            else:
                typed = self._bound(part)
                parts.append(format_value(typed, await self._value(typed), env))
        return "".join(parts)

    async def moment(self, text: str, clock: time | None = None) -> datetime | None:
        """The instant that an expression names; a day counts from its beginning or from a time of day."""
        _, found = await self.value(text)
        zone = ZoneInfo(self.unit.zone)
        if isinstance(found, datetime):
            return found
        if isinstance(found, date):
            return at_local(found, clock or time(0), zone)
        return None

    # -- people -------------------------------------------------------------------------------------------------------

    async def members(self, people: Iterable[str]) -> list[Member]:
        """The members that expressions and role:NAME name, each once, only those who still have access."""
        everybody: list[Member] | None = None
        found: dict[UUID, Member] = {}
        for text in people:
            if text.startswith("role:"):
                everybody = everybody or await member_store.members(self.connection, self.unit.schema)
                some = [one for one in everybody if text[5:] in one.roles]
            else:
                typed, value = await self.value(text)
                some = []
                for one in _ids(value):
                    member = await member_store.member(self.connection, self.unit.schema, one)
                    if member is not None:
                        some.append(member)
            found.update({one.id: one for one in some if one.disabled_at is None})
        return list(found.values())

    async def addresses(self, people: Iterable[str]) -> list[str]:
        """The e-mail addresses that expressions and role:NAME name, each once."""
        found: dict[str, None] = {}
        for text in people:
            if text.startswith("role:"):
                found.update({one.email: None for one in await self.members([text])})
                continue
            typed, value = await self.value(text)
            if typed.type.kind is Kind.REFERENCE:
                ours = await self.members([text])
                found.update({one.email: None for one in ours})
                found.update({one: None for one in await self._of_records(() if ours else _ids(value))})
            elif isinstance(value, str):
                found[value] = None
            elif isinstance(value, (list, tuple)):
                found.update({str(one): None for one in value[:20]})
        return [one for one in found if one]

    async def _of_records(self, ids: Iterable[UUID]) -> list[str]:
        """The first e-mail address of each of these records, whatever module holds them."""
        wanted, found = list(ids), []
        for module in self.unit.catalog.modules.values() if wanted else ():
            names = mail_fields(module)
            if names:
                for row in (await record_store.fetch(self.connection, module.table, wanted)).values():
                    given = (row.get(module.fields[name].id) for name in names)
                    found += [str(one) for one in given if one][:1]
        return found

    # -- inside -------------------------------------------------------------------------------------------------------

    def _bound(self, typed: Typed) -> Typed:
        if not needs_before(typed):
            return typed
        return with_before(typed, self._was)

    def _was(self, ids: tuple[str, ...]) -> Any:
        module = self.module
        if module is None or not ids:
            return None
        value = self.before.get(ids[0])
        known = module.fields_by_id.get(ids[0])
        if known is not None:
            inside = ids[1:] or (() if known.computed else known.definition.json_path)
            for part in inside:
                value = value.get(part) if isinstance(value, dict) else None
            kind = known.definition.attributes[ids[1]] if len(ids) > 1 else known.kind
            return from_json(kind, value)
        if ids[0] in module.links_by_id:
            return value["id"] if isinstance(value, dict) else value
        return from_json(Kind.INSTANT, value) if ids[0].endswith("_at") else value

    async def _value(self, typed: Typed) -> Any:
        if self.row is None or self.module is None or is_constant(typed):
            return self._closed(typed)
        if is_local(typed):
            return self._python(typed)
        return await asking.value(
            self.connection, self.unit.catalog.modules, self.module, typed, self.row.id, self.unit
        )

    def _env(self) -> Any:
        if self.row is None or self.module is None:
            return _NoRecord(self.unit)
        return RecordEnv(self.unit, self.module, self.row, {})

    def _python(self, typed: Typed) -> Any:
        if needs_before(typed):
            return compile_python(typed)(self._env())
        return python_of(self.unit.catalog, typed)(self._env())

    def _closed(self, typed: Typed) -> Any:
        found: Any = _NoRecord(self.unit)
        return compile_python(typed)(found)


def as_stored(typed: Typed, value: Any) -> Any:
    """A Python value in its stored form."""
    if value is None:
        return None
    kind = typed.type.kind
    return (
        value
        if kind is None
        else to_json(kind, list(value) if isinstance(value, tuple) and kind is Kind.LIST else value)
    )


def _ids(value: Any) -> list[UUID]:
    some = value if isinstance(value, (list, tuple)) else [value]
    found = []
    for one in some:
        try:
            found.append(UUID(str(one)))
        except ValueError:
            continue
    return found
