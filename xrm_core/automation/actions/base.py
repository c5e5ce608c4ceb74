"""What all actions share: the run that they are part of, and what they answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from xrm_core.automation.compiled import Ready
from xrm_core.automation.evaluating import Subject, as_stored
from xrm_core.catalog import CompiledModule
from xrm_core.definitions.steps.base import Records
from xrm_core.kernel.errors import Invalid
from xrm_core.kernel.problem import Problem
from xrm_core.records.unit import Unit
from xrm_core.storage.database import Connection
from xrm_core.storage.hops import hops_of
from xrm_core.storage.occurrences import Occurrence
from xrm_core.storage.sql import asking


@dataclass
class Run:
    """One step of one run, in its transaction."""

    unit: Unit
    connection: Connection
    ready: Ready
    occurrence: Occurrence
    subject: Subject
    place: str
    """Where in the automation the step stands; with the run it makes keys of effects."""

    @property
    def key(self) -> str:
        """Unique for this step of this run, however often it is tried."""
        return f"automation:{self.occurrence.id}:{self.occurrence.position.get('number', 0)}"

    async def values(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """A table of values with its expressions and templates worked out."""
        found = {}
        for name, value in values.items():
            if not isinstance(value, str):
                found[name] = value
            elif "{{" in value:
                found[name] = await self.subject.text(value)
            else:
                typed, result = await self.subject.value(value)
                found[name] = as_stored(typed, result)
        return found

    async def records(self, step: Records) -> tuple[CompiledModule, list[UUID]]:
        """The records that a step is about, in the order of their ids; raises Invalid if there are too many."""
        module, row = self.ready.module, self.subject.row
        if module is None or row is None:
            raise Invalid(Problem("no_record", "", "The automation runs for no record."))
        target, condition = module, None
        ids = [row.id]
        if step.of != "this":
            path = self.ready.texts.behind(module.definition, step.of)
            found = self.unit.catalog.modules.get(path.id) if path is not None else None
            if found is None:
                raise Invalid(
                    Problem("path", "/of", f"'{step.of}' does not lead to the records of one module any more.")
                )
            target, ids = found, await self._behind(module, step.of, row.id)
        if step.where is not None:
            condition = self.ready.condition(step.where, target)
        live = self.ready.condition("archived_at == none", target)
        for one in (live, condition):
            if one is not None and ids:
                ids = await asking.holding(self.connection, self.unit.catalog.modules, target, one, ids, self.unit)
        if len(ids) > step.most:
            raise Invalid(
                Problem("too_many", "/most", f"These are {len(ids)} records, this step may change {step.most}.")
            )
        return target, ids

    async def behind(self, path: str) -> list[UUID]:
        """The records at the end of a path of links from the record of the run."""
        module, row = self.ready.module, self.subject.row
        return [] if module is None or row is None else await self._behind(module, path, row.id)

    async def _behind(self, module: CompiledModule, path: str, record_id: UUID) -> list[UUID]:
        """The records at the end of a path of links."""
        symbols, here = [], module.definition
        for name in path.split("."):
            symbol = self.unit.catalog.scopes.symbol(here, name)
            following = self.ready.texts.behind(here, name)
            if symbol is None or following is None:
                return []
            symbols.append(symbol)
            here = following
        hops = hops_of(tuple(symbols), module.id, self.unit.catalog.modules)
        return await asking.behind(self.connection, self.unit.catalog.modules, hops, record_id)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a step did, as the log keeps it."""

    result: dict[str, Any] = field(default_factory=dict)
    state: str = "done"
    wait_until: datetime | None = None
    wait_for: str | None = None
    """A condition that ends the waiting before its time."""
    stop: bool = False


Action = Callable[[Run, Any], Awaitable[Outcome]]
