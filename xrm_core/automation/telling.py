"""Automations and their runs in plain data, as pages and programs read them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from xrm_core.automation.compiled import listeners
from xrm_core.automation.in_words import in_words
from xrm_core.catalog import Catalog
from xrm_core.definitions import body
from xrm_core.definitions.automation import Automation
from xrm_core.definitions.reading import read_as
from xrm_core.definitions.steps import AnyStep, Step
from xrm_core.definitions.triggers import AnyTrigger, Tell, TimeTrigger, Trigger
from xrm_core.kernel.errors import Invalid
from xrm_core.kernel.labels import label_text
from xrm_core.records.unit import Unit
from xrm_core.storage import occurrences as store
from xrm_core.storage import records as record_store
from xrm_core.storage.database import Connection
from xrm_core.storage.occurrences import Occurrence
from xrm_core.storage.rows import instant

REASONS = {
    "past": "It lay in the past when it was stored.",
    "condition": "The condition did not hold.",
    "superseded": "A later time took its place after an outage.",
    "too_late": "It was too late when it could have run.",
    "paused": "The automation was paused.",
    "switched_off": "The automation was switched off.",
    "removed": "The automation was removed.",
    "changed": "The automation's times were changed.",
    "already_running": "A run for the same record was under way.",
    "loop": "Automations were setting each other going.",
    "rate": "It runs too often: somebody has to decide.",
    "late": "It is late: somebody has to decide.",
    "approval": "A mail is a draft: somebody has to say yes.",
    "declined": "Somebody decided against it.",
    "archived": "The record was archived.",
    "erased": "The record was erased.",
    "moved": "The date moved.",
    "no_date": "The date was taken away.",
    "exit": "The condition for ending was met.",
    "reply": "The person replied.",
    "ended": "Somebody ended it.",
    "stopped": "A step ended it.",
    "too_many_steps": "It had more steps than it may have.",
}
"""What the reasons of occurrences mean."""


def tell_of(catalog: Catalog, module_name: str | None, language: str) -> Tell:
    """How the names of an automation about a module's records are said."""
    module = catalog.find(module_name) if module_name else None

    def label(name: str) -> str:
        part = None if module is None else module.fields.get(name) or module.links.get(name)
        return label_text(part.definition.label, language) if part is not None else name.replace("_", " ")

    def stage(name: str) -> str:
        found = module.stages.get(name) if module is not None else None
        return label_text(found.label, language) if found is not None else name

    return Tell(language, label, stage, lambda text: in_words(catalog, module, text, language))


def shown(unit: Unit, automation: Automation, language: str) -> dict[str, Any]:
    """An automation with its sentence."""
    origin = unit.catalog.definitions.origins.get(f"automation/{automation.id}")
    return {
        **body(automation), "id": automation.id, "state": automation.state,
        "label_text": label_text(automation.label, language),
        "sentence": _plain(automation.sentence(tell_of(unit.catalog, automation.module, language))),
        **({"origin": origin} if origin else {}),
    }  # fmt: skip


def said_part(key: str, data: Any, tell: Tell) -> str:
    """One trigger (`kind`) or step (`do`) that may not be complete yet, in words; empty when too much is missing."""
    try:
        part: Trigger | Step = read_as(AnyTrigger if key == "kind" else AnyStep, data)
    except Invalid:
        return ""
    return _plain(part.sentence(tell))


def said_so_far(data: Mapping[str, Any], tell: Tell) -> str:
    """The sentence of an automation that is still being written; what is not known yet is a gap."""

    def parts(name: str, key: str) -> list[str]:
        given = data.get(name)
        return [said_part(key, one, tell) or "…" for one in (given if isinstance(given, list) else [])] or ["…"]

    if not data.get("triggers") and not data.get("steps"):
        return ""
    when = [text if at == 0 else text[:1].lower() + text[1:] for at, text in enumerate(parts("triggers", "kind"))]
    only = tell.pick(" and ", " und ") + tell.condition(str(data["when"])) if data.get("when") else ""
    then = tell.pick(", then ", ", dann ").join(parts("steps", "do"))
    return f"{tell.pick(' or ', ' oder ').join(when)}{_plain(only)}: {then}."


def _plain(sentence: str) -> str:
    """Without the braces of templates."""
    return sentence.replace("{{ ", "[").replace(" }}", "]")


def visible(unit: Unit, automation: Automation) -> bool:
    """Whether the actor may know of an automation: designers of all, others of those about records they see."""
    if unit.policy.design:
        return True
    module = unit.catalog.find(automation.module) if automation.module else None
    return module is not None and unit.policy.module(module.id).see == "all"


async def runs(
    unit: Unit, connection: Connection, found: Iterable[Occurrence], *, steps: bool = False
) -> list[dict[str, Any]]:
    """Runs with the titles of their records, and on request with what their steps did."""
    rows = list(found)
    titles: dict[UUID, str] = {}
    by_module: dict[str, set[UUID]] = {}
    for one in rows:
        if one.module_id in unit.catalog.modules and one.record_id is not None:
            by_module.setdefault(str(one.module_id), set()).add(one.record_id)
    for module_id, ids in by_module.items():
        for identifier, row in (
            await record_store.fetch(connection, unit.catalog.modules[module_id].table, ids)
        ).items():
            titles[identifier] = row.title
    names = {automation.id: automation.name for automation in unit.catalog.definitions.automations}
    logs = await store.steps_of(connection, unit.schema, [one.id for one in rows]) if steps else {}
    shown_rows = []
    for one in rows:
        module = unit.catalog.modules.get(one.module_id or "")
        entry: dict[str, Any] = {
            "id": str(one.id), "automation": names.get(one.automation_id, one.automation_id), "state": one.state,
            "reason": one.reason, "explanation": REASONS.get(one.reason or "", one.reason or ""), "late": one.late,
            "due_at": instant(one.due_at), "next_at": _at(one.next_at), "started_at": _at(one.started_at),
            "done_at": _at(one.done_at), "version": one.version, "trigger": one.mark, "timed": one.timed,
            "record": {"module": module.name, "id": str(one.record_id), "title": titles.get(one.record_id, "")}
            if module is not None and one.record_id is not None else None,
        }  # fmt: skip
        if steps:
            entry["steps"] = [
                {"number": row.number, "at": instant(row.at), "step": row.step, "place": row.place, "state": row.state,
                 "result": row.result}
                for row in logs.get(one.id, ())
            ]  # fmt: skip
        shown_rows.append(entry)
    return shown_rows


def _at(value: datetime | None) -> str | None:
    return instant(value) if value is not None else None


async def expected(unit: Unit, connection: Connection, since: datetime, until: datetime) -> list[dict[str, Any]]:
    """By automation: how much was due in a time, what became of it and why, and what should have been done and was not."""
    found: dict[str, dict[str, Any]] = {}
    names = {automation.id: automation.name for automation in unit.catalog.definitions.automations}
    for key, state, reason, late, count in await store.counts(connection, unit.schema, since, until):
        entry = found.setdefault(key, {
            "automation": names.get(key, key), "expected": 0, "done": 0, "late": 0, "waiting": 0, "failed": 0, "asked": 0,
            "suppressed": {}, "overdue": 0,
        })  # fmt: skip
        if state in ("moved", "cancelled"):
            entry["suppressed"][reason or state] = entry["suppressed"].get(reason or state, 0) + count
            continue
        entry["expected"] += count
        if state == "suppressed":
            entry["suppressed"][reason or state] = entry["suppressed"].get(reason or state, 0) + count
        elif state in ("failed", "asked", "done"):
            entry[state] += count
        else:
            entry["waiting"] += count
        entry["late"] += count if late else 0
    for key, count, _ in await store.overdue(connection, unit.schema, unit.now):
        if key in found:
            found[key]["overdue"] = count
    return [found[key] for key in sorted(found)]


def upcoming(unit: Unit, automation: Automation) -> datetime | None:
    """The next time of an automation that follows the calendar."""
    one = listeners(unit.catalog).by_id.get(automation.id)
    times = [
        at
        for trigger in (one.timed if one is not None else ())
        if isinstance(trigger, TimeTrigger) and not trigger.of_record
        for at in [trigger.following(unit.now, ZoneInfo(unit.zone))]
        if at is not None
    ]
    return min(times) if times else None
