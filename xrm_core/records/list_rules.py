"""Rules that look at lists of other records: the database is asked, since a record that is being written has no lists."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from xrm_core.catalog import CompiledModule
from xrm_core.kernel.errors import Invalid
from xrm_core.kernel.labels import label_text
from xrm_core.kernel.problem import Problem, pointer
from xrm_core.records.environment import target_of
from xrm_core.records.prepare import Draft
from xrm_core.records.rules import Check, Condition, rules_of
from xrm_core.records.unit import Unit
from xrm_core.storage import records as store
from xrm_core.storage.database import Connection
from xrm_core.storage.hops import readings
from xrm_core.storage.model import CompiledLink
from xrm_core.storage.sql import computed as sql_computed


def concerned(unit: Unit, module: CompiledModule, keys: set[str]) -> bool:
    """Whether a change of these keys has to be held against a rule that looks at lists."""
    rules = rules_of(unit.catalog, module)
    if any(check.by_sql and check.keys & keys for check in rules.checks):
        return True
    if "stage" in keys and any(condition.by_sql for condition in rules.entry.values()):
        return True
    wanting = (*rules.required_when, *rules.read_only_when)
    return any(condition.by_sql and (key in keys or condition.keys & keys) for key, _, _, condition in wanting)


async def before(unit: Unit, connection: Connection, module: CompiledModule, drafts: Sequence[Draft]) -> None:
    """Put problems into drafts that change what may not be changed any more; asked before anything is stored."""
    for key, name, label, condition in rules_of(unit.catalog, module).read_only_when:
        if not condition.by_sql:
            continue
        asked = [draft for draft in drafts if draft.before is not None and key in draft.changed]
        free = await _not_holding(unit, connection, module, condition, asked)
        for draft in asked:
            if draft.row.id not in free:
                draft.problems.append(Problem("read_only", pointer(name), f"{label} cannot be changed any more."))


async def after(unit: Unit, connection: Connection, module: CompiledModule, drafts: Sequence[Draft]) -> None:
    """Ask the rules after everything is stored; raises Invalid, which undoes it. Warnings go to the drafts."""
    rules = rules_of(unit.catalog, module)
    problems: list[Problem] = []
    for check in rules.checks:
        if check.by_sql:
            problems += await _check(unit, connection, module, check, drafts)
    for stage_name, condition in rules.entry.items():
        if condition.by_sql:
            entered = [draft for draft in drafts if "stage" in draft.changed and draft.row.stage == stage_name]
            if await _not_holding(unit, connection, module, condition, entered):
                stage = module.stages[stage_name]
                text = f"The condition for {label_text(stage.label)} does not hold: {stage.entry_when}"
                problems.append(Problem("stage_entry", "/stage", text))
    for key, name, label, condition in rules.required_when:
        if condition.by_sql:
            empty = [
                draft
                for draft in drafts
                if draft.row.data.get(key) is None
                and not draft.row.beside.get(key)
                and not draft.many.get(key)
                and (draft.before is None or key in draft.changed or condition.keys & draft.changed)
            ]
            free = await _not_holding(unit, connection, module, condition, empty)
            if any(draft.row.id not in free for draft in empty):
                problems.append(Problem("required", pointer(name), f"{label} is needed here."))
    if problems:
        raise Invalid(problems)


async def _check(
    unit: Unit, connection: Connection, module: CompiledModule, check: Check, drafts: Sequence[Draft]
) -> list[Problem]:
    asked = [
        draft for draft in drafts if draft.before is None or check.keys & (draft.changed | draft.moved) or draft.many
    ]
    ids = [draft.row.id for draft in asked]
    await _lock(unit, connection, module, check, asked)
    when = check.when.typed if check.when else None
    failing = await sql_computed.failing(connection, unit.catalog.modules, module, when, check.check.typed, ids, unit)
    if not failing:
        return []
    rule = check.rule
    message = rule.message
    text = label_text(message, unit.workspace.locale) if message else f"The rule {rule.name} does not hold."
    problem = Problem(f"rule:{rule.name}", pointer(rule.fields[0]) if rule.fields else "", text)
    if rule.severity == "error":
        return [problem]
    for draft in asked:
        if draft.row.id in failing:
            draft.warnings.append(problem)
    return []


async def _lock(
    unit: Unit, connection: Connection, module: CompiledModule, check: Check, drafts: Sequence[Draft]
) -> None:
    """Lock the records whose lists a rule looks at: of two that would only break it together, the second one waits."""
    for link in _lists_of(unit, module, check):
        ends: dict[str, set[UUID]] = {}
        for draft in drafts:
            name, target = target_of(draft.row.data.get(link.id), link.targets)
            if target is not None:
                ends.setdefault(name, set()).add(target)
        for name in sorted(ends):
            await store.lock(connection, unit.catalog.modules[name].table, ends[name])


def _lists_of(unit: Unit, module: CompiledModule, check: Check) -> list[CompiledLink]:
    """The links of a module behind which a rule looks at lists."""
    memo: dict[str, list[CompiledLink]] = module.memo.setdefault("lists_of", {})
    if check.rule.id not in memo:
        found: dict[str, CompiledLink] = {}
        for typed in (check.check.typed, check.when.typed if check.when else None):
            for one in readings(typed, module.id, unit.catalog.modules) if typed is not None else ():
                if len(one.hops) > 1 and one.hops[0].kind == "forward" and one.hops[1].kind != "forward":
                    found[one.hops[0].link.id] = one.hops[0].link
        memo[check.rule.id] = [found[key] for key in sorted(found)]
    return memo[check.rule.id]


async def _not_holding(
    unit: Unit, connection: Connection, module: CompiledModule, condition: Condition, drafts: Sequence[Draft]
) -> set[UUID]:
    ids = [draft.row.id for draft in drafts]
    return set(await sql_computed.failing(connection, unit.catalog.modules, module, None, condition.typed, ids, unit))
