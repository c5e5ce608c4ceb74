"""Running scenarios: in a workspace of their own, with a clock that stands still until the scenario moves it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import orjson

from xrm_core.automation import arming, match, runner
from xrm_core.automation.compiled import listeners
from xrm_core.automation.match import Matching
from xrm_core.catalog import Catalogs
from xrm_core.definitions import edit
from xrm_core.definitions.collection import DefinitionSet
from xrm_core.definitions.pack_scenario import (
    Archive,
    Create,
    Doing,
    Expect,
    Found,
    Given,
    Mails,
    Move,
    PackScenario,
    Ran,
    Refused,
    Start,
    Update,
    Wait,
)
from xrm_core.kernel.actor import SYSTEM, Actor
from xrm_core.kernel.clock import FixedClock
from xrm_core.kernel.errors import XrmError
from xrm_core.kernel.ids import new_id
from xrm_core.kernel.problem import Problem
from xrm_core.publishing import change
from xrm_core.records import clockwork, lifecycle, read, stages, write
from xrm_core.records.query import RecordQuery
from xrm_core.records.unit import Unit, Units
from xrm_core.storage import occurrences, outbox
from xrm_core.storage.database import Database
from xrm_core.storage.members import put_member
from xrm_core.storage.workspaces import Workspace, create_workspace, drop_workspace

MOST_TIMES = 20_000
"""At most so many things may be due while a scenario waits once."""


@dataclass
class Outcome:
    """What came of a scenario; it passed when there are no problems."""

    name: str
    steps: int = 0
    problems: list[Problem] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        return not self.problems

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON data."""
        return {
            "name": self.name,
            "passed": self.passed,
            "steps": self.steps,
            "problems": [problem.as_dict() for problem in self.problems],
        }


async def run_all(database: Database, definitions: DefinitionSet, scenarios: Iterable[PackScenario]) -> list[Outcome]:
    """Run scenarios over these definitions, each in a workspace of its own that is dropped afterwards."""
    return [await run(database, definitions, scenario) for scenario in scenarios]


async def run(database: Database, definitions: DefinitionSet, scenario: PackScenario) -> Outcome:
    """Run one scenario; it ends at the first step that goes wrong in another way than expected."""
    begins = scenario.now if scenario.now.tzinfo is not None else scenario.now.replace(tzinfo=UTC)
    clock = FixedClock(begins)
    workspace = await create_workspace(
        database,
        slug=f"scenario-{new_id().hex[-12:]}",
        name=f"Scenario {scenario.name}",
        now=clock.now(),
        time_zone=scenario.time_zone,
        currency=scenario.currency,
    )
    try:
        units = Units(database, Catalogs(database), clock, Matching())
        await change(units, workspace, SYSTEM, _switched_on(definitions, scenario))
        await arming.bring_up_to_date(units, workspace)
        return await _Play(units, workspace, clock, scenario).run()
    finally:
        await drop_workspace(database, workspace)


def _switched_on(definitions: DefinitionSet, scenario: PackScenario) -> DefinitionSet:
    return definitions.having(
        automations=tuple(
            one.model_copy(update={"state": "on"}) if one.name in scenario.switch_on else one
            for one in definitions.automations
        )
    )


class _Play:
    """One scenario on its way."""

    def __init__(self, units: Units, workspace: Workspace, clock: FixedClock, scenario: PackScenario) -> None:
        self.units, self.workspace, self.clock, self.scenario = units, workspace, clock, scenario
        self.keys: dict[str, tuple[str, str]] = {}
        """Module and id by key; users have the module ""."""
        self.actor = SYSTEM
        self.seen_mails = 0

    async def run(self) -> Outcome:
        outcome = Outcome(self.scenario.name)
        place = "/users"
        try:
            await self._users()
            for number, given in enumerate(self.scenario.given):
                place = f"/given/{number}"
                await self._create(given)
            for number, step in enumerate(self.scenario.steps):
                place = f"/steps/{number}"
                outcome.problems += [problem.under(place) for problem in await self._step(step)]
                outcome.steps += 1
        except XrmError as error:
            outcome.problems += [Problem(p.code, place, f"{p.path}: {p.message}", p.hint) for p in error.problems]
        return outcome

    async def _users(self) -> None:
        for key in self.scenario.users:
            identifier, roles = new_id(), ("admin",)
            async with self.units.database.writing() as connection:
                await put_member(
                    connection,
                    self.workspace.schema,
                    identifier,
                    name=key.replace("_", " ").title(),
                    email=f"{key}@example.org",
                    roles=roles,
                    teams=(),
                    now=self.clock.now(),
                )
            if not self.keys:
                self.actor = Actor(user_id=identifier, name=key, roles=roles)
            self.keys[key] = ("", str(identifier))

    # -- steps --------------------------------------------------------------------------------------------------------

    async def _step(self, step: Any) -> list[Problem]:
        match step:
            case Wait():
                await self._wait(timedelta(days=step.days, hours=step.hours))
            case Expect():
                return await self._expect(step)
            case Start():
                await self._start(step)
                await runner.run_due(self.units, self.workspace)
            case Found():
                return await self._found(step)
            case Mails():
                return await self._mails(step)
            case Ran():
                return await self._ran(step)
            case Refused():
                return await self._refused(step)
            case _:
                await self._do(step)
                await runner.run_due(self.units, self.workspace)
        return []

    async def _wait(self, length: timedelta) -> None:
        """Time goes from one thing that is due to the next."""
        until = self.clock.now() + length
        for _ in range(MOST_TIMES):
            async with self.units.database.connection() as connection:
                following = await occurrences.next_time(connection, self.workspace.schema)
            if following is None or following > until:
                break
            self.clock.set(max(following, self.clock.now()))
            await clockwork.run_due(self.units, self.workspace)
            await runner.run_due(self.units, self.workspace)
        self.clock.set(until)
        await clockwork.run_due(self.units, self.workspace)
        await runner.run_due(self.units, self.workspace)

    async def _do(self, step: Doing) -> None:
        match step:
            case Create():
                await self._create(step)
            case Update():
                module, identifier = self._record(step.key)
                values = self._values(step.values)
                await self._unit(partial(_update, module=module, identifier=identifier, values=values))
            case Move():
                module, identifier = self._record(step.key)
                work = partial(_move, module=module, identifier=identifier, step=step, values=self._values(step.values))
                await self._unit(work)
            case Archive():
                module, identifier = self._record(step.key)
                await self._unit(partial(_archive, module=module, identifier=identifier))

    async def _create(self, given: Given) -> None:
        values = self._values(given.values)
        identifier = await self._unit(partial(_create, module=given.module, values=values))
        if given.key is not None:
            self.keys[given.key] = (given.module, str(identifier))

    async def _refused(self, step: Refused) -> list[Problem]:
        try:
            await self._do(step.step)
        except XrmError as error:
            if not step.at or any(p.path.split("/")[1:2] == [name] for p in error.problems for name in step.at):
                return []
            found = ", ".join(f"{p.path} {p.message}" for p in error.problems)
            return [Problem("refused", "/at", f"It was refused, but for another reason: {found}")]
        return [Problem("not_refused", "", "It was done, though it should have been refused.")]

    async def _expect(self, step: Expect) -> list[Problem]:
        module, identifier = self._record(step.key)
        found = await self._unit(partial(_read, module=module, identifier=identifier))
        problems = []
        for name, wanted in self._values(step.values).items():
            value = found.get(name)
            if not _fits(value, wanted):
                said = f"{name} is {_shown(value)}, expected was {_shown(wanted)}."
                problems.append(Problem("expected", f"/values/{name}", said))
        return problems

    async def _start(self, step: Start) -> None:
        record = self._record(step.key)[1] if step.key is not None else None

        async def work(unit: Unit) -> None:
            automation = edit.find_automation(unit.catalog.definitions, step.automation)
            await match.start(unit, await unit.transaction(), listeners(unit.catalog).by_id[automation.id], record)

        await self._unit(work)

    async def _found(self, step: Found) -> list[Problem]:
        query = RecordQuery(step.module, filter=step.filter, limit=1000)
        rows = [orjson.loads(row) for row in (await self._unit(partial(_find, query=query))).rows]
        if len(rows) != step.count:
            return [Problem("expected", "/count", f"There are {len(rows)} records, expected were {step.count}.")]
        wanted = self._values(step.values)
        return [
            Problem("expected", f"/values/{name}", f"{name} is {_shown(row.get(name))}, expected was {_shown(value)}.")
            for row in rows
            for name, value in wanted.items()
            if not _fits(row.get(name), value)
        ]

    async def _mails(self, step: Mails) -> list[Problem]:
        async with self.units.database.writing() as connection:
            found = await outbox.of_kind(connection, self.workspace.schema, "mail")
        fresh, self.seen_mails = found[self.seen_mails :], len(found)
        if len(fresh) != step.count:
            return [Problem("expected", "/count", f"There are {len(fresh)} mails, expected were {step.count}.")]
        problems = []
        addresses = sorted(str(one["address"]) for mail in fresh for one in mail["to"])
        if step.to and addresses != sorted(step.to):
            problems.append(Problem("expected", "/to", f"They go to {', '.join(addresses)}."))
        for key in ("subject", "text"):
            words = getattr(step, key)
            if words is not None and not all(words in str(mail[key]) for mail in fresh):
                problems.append(Problem("expected", f"/{key}", f"It says {_shown([mail[key] for mail in fresh])}."))
        return problems

    async def _ran(self, step: Ran) -> list[Problem]:
        automation = next((one for one in (await self._definitions()).automations if one.name == step.automation), None)
        if automation is None:
            return [Problem("unknown_automation", "/automation", f"There is no automation '{step.automation}'.")]
        async with self.units.database.connection() as connection:
            found = await occurrences.find(connection, self.workspace.schema, automation_id=automation.id, limit=10_000)
        ran = sum(one.state in ("done", "running", "waiting") for one in found)
        problems = []
        if ran != step.count:
            states = ", ".join(f"{one.due_at:%Y-%m-%d %H:%M} {one.state} {one.reason or ''}".strip() for one in found)
            problems.append(Problem("expected", "/count", f"It ran {ran} times, expected was {step.count}: {states}"))
        for reason, count in step.suppressed.items():
            real = sum(one.reason == reason for one in found)
            if real != count:
                problems.append(Problem("expected", f"/suppressed/{reason}", f"That was so {real} times."))
        return problems

    async def _definitions(self) -> DefinitionSet:
        async with self.units.begin(self.workspace, self.actor) as unit:
            return unit.catalog.definitions

    # -- inside -------------------------------------------------------------------------------------------------------

    async def _unit(self, work: Any) -> Any:
        return await self.units.run(self.workspace, self.actor, work)

    def _record(self, key: str) -> tuple[str, UUID]:
        if key not in self.keys:
            raise Missing(Problem("unknown_key", "/key", f"There is no record with the key '{key}'."))
        module, identifier = self.keys[key]
        return module, UUID(identifier)

    def _values(self, values: Mapping[str, Any]) -> dict[str, Any]:
        return {name: self._value(value) for name, value in values.items()}

    def _value(self, value: Any) -> Any:
        if isinstance(value, str) and value.startswith("@"):
            return str(self._record(value[1:])[1])
        if isinstance(value, list):
            return [self._value(item) for item in value]
        if isinstance(value, dict):
            return {key: self._value(item) for key, item in value.items()}
        return value


class Missing(XrmError):
    """A scenario names what it did not make."""

    status = 422
    title = "Not valid"


async def _create(unit: Unit, module: str, values: dict[str, Any]) -> UUID:
    return (await write.create(unit, module, values)).id


async def _update(unit: Unit, module: str, identifier: UUID, values: dict[str, Any]) -> None:
    await write.update(unit, module, identifier, values)


async def _move(unit: Unit, module: str, identifier: UUID, step: Move, values: dict[str, Any]) -> None:
    await stages.move(unit, module, identifier, step.stage, reason=step.reason, values=values or None)


async def _find(unit: Unit, query: RecordQuery) -> read.Listed:
    return await read.find(unit, query)


async def _archive(unit: Unit, module: str, identifier: UUID) -> None:
    await lifecycle.archive(unit, module, identifier)


async def _read(unit: Unit, module: str, identifier: UUID) -> dict[str, Any]:
    return dict(orjson.loads((await read.get(unit, module, identifier)).json))


def _fits(value: Any, wanted: Any) -> bool:
    """Whether a value is what was expected: of objects only the parts that are named, of a link its record."""
    if isinstance(wanted, dict):
        return isinstance(value, dict) and all(_fits(value.get(key), part) for key, part in wanted.items())
    if isinstance(wanted, str) and isinstance(value, dict) and "id" in value:
        return bool(value["id"] == wanted)
    return bool(value == wanted)


def _shown(value: Any) -> str:
    return orjson.dumps(value).decode()[:200]
