"""`xrm definitions`: everything the designer does, from the command line, by the same plan and publish."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click
import orjson

from xrm_core.app import Process
from xrm_core.cli.base import Context, Refused, chosen_workspace, command, table, workspace_option
from xrm_core.definitions import DefinitionSet, edit
from xrm_core.definitions.collection import body
from xrm_core.definitions.uses import uses
from xrm_core.kernel.actor import SYSTEM
from xrm_core.kernel.errors import Malformed, NotFound
from xrm_core.kernel.problem import Problem
from xrm_core.publishing import ChangePlan, apply, erase, history, plan_erase
from xrm_core.publishing.drafts import Draft, Drafts
from xrm_core.publishing.plan import current
from xrm_core.publishing.planning import plan_back, plan_set
from xrm_core.storage.workspaces import Workspace

FILE = click.Path(dir_okay=False, allow_dash=True, path_type=Path)


def register(xrm: click.Group) -> None:
    """Add the commands."""

    @xrm.group("definitions", epilog="\b\nExample:\n  xrm definitions edit changes.json && xrm definitions plan")
    def definitions() -> None:
        """Modules, fields, roles: a draft of changes, its review, publishing, and the way back."""

    _reading(definitions)
    _drafting(definitions)
    _publishing(definitions)


def _reading(group: click.Group) -> None:
    @command(group, "show", example="xrm definitions show customers --json")
    @workspace_option
    @click.argument("module", required=False)
    async def show(context: Context, slug: str | None, module: str | None) -> None:
        """Show what is published: all modules, or one of them in full."""
        async with context.process() as process:
            _, live = await _live(process, await chosen_workspace(process, slug))
        if module is not None:
            found = body(edit.find_module(live, module))
            context.result(found, orjson.dumps(found, option=orjson.OPT_INDENT_2).decode())
            return
        rows = [(m.name, m.plural(), str(len(m.fields)), "archived" if m.archived else "") for m in live.modules]
        context.result(live.snapshot(), table(rows, ("module", "label", "fields", "")))

    @command(group, "history", example="xrm definitions history --limit 5")
    @workspace_option
    @click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 200))
    async def history_(context: Context, slug: str | None, limit: int) -> None:
        """Show the published versions, the newest first."""
        async with context.process() as process:
            workspace = await chosen_workspace(process, slug)
            async with process.database.writing() as connection:
                found = await history(connection, workspace.schema, limit=limit)
        rows = [
            (str(v.number), v.at.isoformat(" ", "minutes"), str(v.author.get("name", "")), v.summary)
            for v in found.versions
        ]
        context.result(found.as_dict(), table(rows, ("version", "when", "who", "what")))

    @command(group, "uses", example="xrm definitions uses module/customers/fields/email")
    @workspace_option
    @click.argument("path")
    async def uses_(context: Context, slug: str | None, path: str) -> None:
        """Show everything that mentions a module, field or link."""
        async with context.process() as process:
            _, live = await _live(process, await chosen_workspace(process, slug))
        parts = path.strip("/").split("/")
        if (
            parts[0] != "module"
            or len(parts) not in (2, 4)
            or (len(parts) == 4 and parts[2] not in ("fields", "links"))
        ):
            hint = "For example module/customers/fields/email."
            raise NotFound(Problem("path", "", "Uses are known of modules, fields and links.", hint))
        found = uses(live, parts[1], *parts[2:])
        rows = [(use.path, use.kind, use.text) for use in found]
        context.result([use.as_dict() for use in found], table(rows, ("where", "kind", "text")))


def _drafting(group: click.Group) -> None:
    @command(group, "draft", example="xrm definitions draft")
    @workspace_option
    @click.option("--discard", is_flag=True, help="Throw it away.")
    async def draft(context: Context, slug: str | None, discard: bool) -> None:
        """Show the draft: its operations, its problems, and what others published since."""
        async with context.process() as process:
            drafts = await _drafts(process, slug)
            if discard:
                gone = await drafts.discard()
                context.result({"discarded": gone}, "Thrown away." if gone else "There was no draft.")
                return
            _tell(context, await drafts.get())

    @command(group, "edit", example="xrm definitions edit changes.json")
    @workspace_option
    @click.argument("file", type=FILE)
    async def edit_(context: Context, slug: str | None, file: Path) -> None:
        """Do the operations of a JSON file (a list, or {"operations": [...]}; - reads standard input) on the draft."""
        given = _json(file)
        operations = given.get("operations") if isinstance(given, dict) else given
        if not isinstance(operations, list):
            raise Malformed(Problem("type", "", "A list of operations is needed."))
        async with context.process() as process:
            _tell(context, await (await _drafts(process, slug)).append(operations))

    @command(group, "undo", example="xrm definitions undo")
    @workspace_option
    async def undo(context: Context, slug: str | None) -> None:
        """Take the last operation of the draft back."""
        async with context.process() as process:
            _tell(context, await (await _drafts(process, slug)).undo())

    @command(group, "redo", example="xrm definitions redo")
    @workspace_option
    async def redo(context: Context, slug: str | None) -> None:
        """Do the operation again that was taken back last."""
        async with context.process() as process:
            _tell(context, await (await _drafts(process, slug)).redo())

    @command(group, "rebase", example="xrm definitions rebase --choose module/customers/name=mine")
    @workspace_option
    @click.option("--choose", multiple=True, metavar="PATH=CHOICE", help="mine, theirs or both, for one conflict.")
    @click.option("--plan", "only_plan", is_flag=True, help="Only show where both meet.")
    async def rebase(context: Context, slug: str | None, choose: tuple[str, ...], only_plan: bool) -> None:
        """Put the draft on top of what others published meanwhile."""
        decisions = [dict(zip(("path", "choice"), one.rsplit("=", 1), strict=False)) for one in choose]
        async with context.process() as process:
            draft, merged = await (await _drafts(process, slug)).rebase(decisions, only_plan=only_plan)
        conflicts = [conflict.as_dict() for conflict in merged.conflicts]
        lines = [f"{c['path']}: {c['clash']}, {'/'.join(c['choices'])}" for c in conflicts] or ["No conflicts."]
        context.result({**draft.as_dict(), "conflicts": conflicts}, "\n".join(lines))


def _publishing(group: click.Group) -> None:
    @command(group, "plan", example="xrm definitions plan")
    @workspace_option
    @click.argument("file", required=False, type=FILE)
    async def plan(context: Context, slug: str | None, file: Path | None) -> None:
        """Review the draft, or the definitions in a JSON file: every change, its effect, and what would fail."""
        async with context.process() as process:
            made = await _planned(process, slug, file)
        _review(context, made)
        if not made.ok:
            raise Refused

    @command(group, "publish", example="xrm definitions publish --summary 'Rooms and their seats'")
    @workspace_option
    @click.argument("file", required=False, type=FILE)
    @click.option("--summary", default="", help="A line for the history.")
    async def publish(context: Context, slug: str | None, file: Path | None, summary: str) -> None:
        """Publish the draft, or the definitions in a JSON file."""
        async with context.process() as process:
            if file is None:
                done, made = await (await _drafts(process, slug)).publish(summary)
            else:
                workspace = await chosen_workspace(process, slug)
                made = await _planned(process, slug, file)
                done = await apply(process.units, workspace, SYSTEM, made, summary)
        shown = {"version": done.number, "changed": done.changed, "changes": len(made.changes)}
        context.result(shown, f"Version {done.number}." if done.changed else "There was nothing to change.")

    @command(group, "rollback", example="xrm definitions rollback 12 --plan")
    @workspace_option
    @click.argument("version", type=click.IntRange(1))
    @click.option("--plan", "only_plan", is_flag=True, help="Only show what would change.")
    async def rollback(context: Context, slug: str | None, version: int, only_plan: bool) -> None:
        """Go back to an earlier version, data included; it becomes the newest one."""
        async with context.process() as process:
            workspace = await chosen_workspace(process, slug)
            made = await plan_back(process.units, workspace, SYSTEM, version)
            if only_plan:
                _review(context, made)
                return
            done = await apply(process.units, workspace, SYSTEM, made, f"Back to version {version}")
        context.result({"version": done.number, "changed": done.changed}, f"Version {done.number}.")

    @command(group, "erase", example="xrm definitions erase module/customers/fields/fax --count 212")
    @workspace_option
    @click.argument("path")
    @click.option("--count", type=int, help="How many records lose something; without it they are only counted.")
    async def erase_(context: Context, slug: str | None, path: str, count: int | None) -> None:
        """Erase an archived field, link or module for good."""
        async with context.process() as process:
            workspace = await chosen_workspace(process, slug)
            if count is None:
                found = await plan_erase(process.units, workspace, SYSTEM, path)
                context.result(found.as_dict(), f"{found.records} records have something of {path}.")
                return
            found, done = await erase(process.units, workspace, SYSTEM, path, count)
        context.result({**found.as_dict(), "version": done.number}, f"{path} is erased.")


async def _drafts(process: Process, slug: str | None) -> Drafts:
    return Drafts(process.units, await chosen_workspace(process, slug), SYSTEM)


async def _live(process: Process, workspace: Workspace) -> tuple[int, DefinitionSet]:
    async with process.database.writing() as connection:
        return await current(connection, workspace.schema)


async def _planned(process: Process, slug: str | None, file: Path | None) -> ChangePlan:
    if file is None:
        return await (await _drafts(process, slug)).plan()
    given = _json(file)
    if not isinstance(given, dict):
        raise Malformed(Problem("type", "", 'Definitions are an object: {"modules": [...], "roles": [...]}.'))
    workspace = await chosen_workspace(process, slug)
    return await plan_set(process.units, workspace, SYSTEM, lambda old: edit.replace(old, given))


def _json(file: Path) -> Any:
    raw = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise Malformed(
            Problem("json", "", f"{file} is not JSON: {error.msg} (line {error.lineno}, column {error.colno}).")
        ) from None


def _tell(context: Context, draft: Draft) -> None:
    lines = [f"{change.kind:8} {change.path}" for change in draft.changes()] or ["No changes."]
    if draft.since:
        lines.append(f"Behind: version {draft.number} is published. Run `xrm definitions rebase`.")
    context.result(draft.as_dict(), "\n".join(lines))
    if not context.as_json:
        context.problems(draft.problems())


def _review(context: Context, made: ChangePlan) -> None:
    shown = made.as_dict()
    rows = [
        (change["effect"].replace("_", " "), change["path"], str(change.get("records", "")), change.get("reason", ""))
        for change in shown["changes"]
    ]
    context.result(shown, table(rows, ("effect", "change", "records", "")))
    if not context.as_json:
        context.problems(list(made.problems))
