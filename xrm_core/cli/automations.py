"""`xrm automation`: what automations there are, what they did and should have done, tried and back-tested, on and off."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import click

from xrm_core.automation import arming, telling
from xrm_core.automation.backtest import backtest as look_back
from xrm_core.automation.trying import with_record
from xrm_core.cli.base import Context, Refused, chosen_workspace, command, table, workspace_option
from xrm_core.definitions import edit
from xrm_core.definitions.automation import Automation
from xrm_core.definitions.reading import read
from xrm_core.kernel.actor import SYSTEM
from xrm_core.kernel.dates import add_months
from xrm_core.publishing import apply
from xrm_core.publishing.planning import plan_set
from xrm_core.records.unit import Unit
from xrm_core.storage import occurrences as store

_NAME = click.argument("name")
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


def register(xrm: click.Group) -> None:
    """Add the commands."""

    @xrm.group(epilog="\b\nExample:\n  xrm automation list")
    def automation() -> None:
        """Automations: what they are, what they did, what they would do."""

    @command(automation, "list", example="xrm automation list --language de")
    @click.option("--language", default="en", help="en or de.")
    @workspace_option
    async def list_(context: Context, slug: str | None, language: str) -> None:
        """Show all automations, each as a sentence."""
        async with context.process() as process:
            workspace = await chosen_workspace(process, slug)
            async with process.units.begin(workspace, SYSTEM) as unit:
                live = [one for one in unit.catalog.definitions.automations if not one.archived]
                found = [telling.shown(unit, one, language) for one in sorted(live, key=lambda one: one.name)]
        rows = [(one["name"], one["state"], one["sentence"][:100]) for one in found]
        context.result(found, table(rows, ("name", "state", "what it does")))

    @command(automation, "runs", example="xrm automation runs check_in_30 --limit 20")
    @_NAME
    @click.option("--limit", type=click.IntRange(1, 500), default=20)
    @workspace_option
    async def runs(context: Context, name: str, slug: str | None, limit: int) -> None:
        """Show what an automation did, does and has still to do."""
        async with context.process() as process:
            workspace = await chosen_workspace(process, slug)
            async with process.units.begin(workspace, SYSTEM) as unit:
                known = edit.find_automation(unit.catalog.definitions, name)
                connection = await unit.writer()
                rows = await store.find(connection, unit.schema, automation_id=known.id, limit=limit)
                found = await telling.runs(unit, connection, rows, steps=True)
        shown = [
            (one["due_at"][:16], one["state"], one["reason"] or "", (one["record"] or {}).get("title", ""))
            for one in found
        ]
        context.result(found, table(shown, ("due", "state", "reason", "record")))

    @command(automation, "log", example="xrm automation log --days 30")
    @click.option("--days", type=click.IntRange(1, 3650), default=30)
    @workspace_option
    async def log(context: Context, slug: str | None, days: int) -> None:
        """Show what was expected and what fired. Exit code 1 if anything is overdue."""
        async with context.process() as process:
            workspace = await chosen_workspace(process, slug)
            async with process.units.begin(workspace, SYSTEM) as unit:
                until = unit.now + timedelta(minutes=1)
                found = await telling.expected(unit, await unit.writer(), until - timedelta(days=days), until)
        rows = [
            (
                one["automation"], str(one["expected"]), str(one["done"]), str(one["late"]), str(one["failed"]),
                ", ".join(f"{reason} {count}" for reason, count in one["suppressed"].items()), str(one["overdue"]),
            )
            for one in found
        ]  # fmt: skip
        context.result(
            found, table(rows, ("name", "expected", "done", "late", "failed", "not done because", "overdue"))
        )
        if any(one["overdue"] for one in found):
            raise Refused

    @command(automation, "test", example="xrm automation test check_in_30 --record 0190a…")
    @_NAME
    @click.option("--record", type=click.UUID, help="The id of a record.")
    @click.option("--file", type=_FILE, help="A version that is not published yet.")
    @workspace_option
    async def test(context: Context, name: str, slug: str | None, record: UUID | None, file: Path | None) -> None:
        """Try an automation with a record: condition, steps, mails; nothing is written or sent."""
        async with context.process() as process:
            workspace = await chosen_workspace(process, slug)
            async with process.units.begin(workspace, SYSTEM) as unit:
                chosen = _chosen(unit, name, file)
            found = await with_record(process.units, workspace, SYSTEM, chosen, record)
        rows = [
            (one["place"], one["step"], one["state"], json.dumps(one.get("result", {}))[:80]) for one in found["steps"]
        ]
        context.result(found, table(rows, ("place", "step", "state", "result")))

    @command(automation, "backtest", example="xrm automation backtest check_in_30 --months 6")
    @_NAME
    @click.option("--months", type=click.IntRange(1, 60), default=6)
    @click.option("--file", type=_FILE, help="A version that is not published yet.")
    @workspace_option
    async def backtest(context: Context, name: str, slug: str | None, months: int, file: Path | None) -> None:
        """Say what would have run in the last months, when and for whom; nothing is written."""
        async with context.process() as process:
            workspace = await chosen_workspace(process, slug)
            async with process.units.begin(workspace, SYSTEM) as unit:
                chosen = _chosen(unit, name, file)
                day = add_months(unit.now.date(), -months) or unit.now.date()
                since = unit.now.replace(year=day.year, month=day.month, day=day.day)
                found = await look_back(unit, chosen, since, unit.now)
        rows = [(one["at"][:16], one["state"], one["title"]) for one in found["runs"]]
        context.result(found, table(rows, ("at", "", "record")))

    for verb, state, said in (("enable", "on", "Switch an automation on."), ("pause", "paused", "Stop an automation.")):
        _switch(automation, verb, state, said)


def _switch(group: Any, verb: str, state: str, said: str) -> None:
    async def switch(context: Context, name: str, slug: str | None) -> None:
        async with context.process() as process:
            workspace = await chosen_workspace(process, slug)
            made = await plan_set(
                process.units, workspace, SYSTEM, lambda old: edit.patch_automation(old, name, {"state": state})
            )
            await apply(process.units, workspace, SYSTEM, made, f"Automation {name}: {state}")
            armed = await arming.bring_up_to_date(process.units, workspace)
        context.result({"automation": name, "state": state, "records": armed}, f"{name} is {state}.")

    switch.__doc__ = said
    switch.__name__ = verb
    command(group, verb, example=f"xrm automation {verb} check_in_30")(_NAME(workspace_option(switch)))


def _chosen(unit: Unit, name: str, file: Path | None) -> Automation:
    if file is None:
        return edit.find_automation(unit.catalog.definitions, name)
    return read(Automation, json.loads(file.read_text(encoding="utf-8")))

