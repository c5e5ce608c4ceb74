"""`xrm pack upgrade|uninstall|rollback|history|export`: the life of an installed pack."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from xrm_core.cli.base import Context, Refused, chosen_workspace, command, table, workspace_option
from xrm_core.definitions.pack import Pack
from xrm_core.definitions.pack_contents import composed
from xrm_core.definitions.reading import read
from xrm_core.kernel.actor import SYSTEM
from xrm_core.kernel.problem import Problem
from xrm_core.packs import shelf
from xrm_core.packs.archive import packed
from xrm_core.packs.export import export, files_of
from xrm_core.packs.layout import PackContents
from xrm_core.packs.plans import PackPlan, situation
from xrm_core.packs.scenario import Outcome, run_all
from xrm_core.packs.steps import Action, do_step, plan_step, read_decisions, steps_of

Find = Callable[[Context, tuple[Path, ...], str], PackContents]
_pack = click.argument("pack", metavar="PACK")


def _conflict_options(function: Any) -> Any:
    for option in (
        click.option("--otherwise", type=click.Choice(["mine", "theirs"]), help="Which side wins all other conflicts."),
        click.option("--decide", "decide", multiple=True, metavar="PATH=CHOICE", help="mine, theirs or both."),
        click.option("--decisions", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A JSON file."),
    ):
        function = option(function)
    return function


def register(pack: click.Group, find: Find) -> None:
    """Add the commands; `find` reads a pack by name or folder."""

    @command(pack, "upgrade", example="xrm pack upgrade recruiting --plan")
    @_pack
    @workspace_option
    @_conflict_options
    @click.option("--plan", "only_plan", is_flag=True, help="Only say what would change.")
    @click.option("--test", "with_tests", is_flag=True, help="Run the pack's scenarios over the result before.")
    async def upgrade(
        context: Context,
        pack: str,
        slug: str | None,
        otherwise: str | None,
        decide: tuple[str, ...],
        decisions: Path | None,
        only_plan: bool,
        with_tests: bool,
    ) -> None:
        """Go over to the version of a pack that is at hand; what was changed here stays."""
        answers = _decisions(decide, decisions)
        await _step(context, slug, "upgrade", pack, only_plan, find, otherwise, answers, with_tests=with_tests)

    @command(pack, "uninstall", example="xrm pack uninstall recruiting --plan")
    @_pack
    @workspace_option
    @click.option("--plan", "only_plan", is_flag=True, help="Only say what would change.")
    async def uninstall(context: Context, pack: str, slug: str | None, only_plan: bool) -> None:
        """Take a pack away; its records wait for it, and come back when it is installed again."""
        await _step(context, slug, "uninstall", pack, only_plan, find)

    @command(pack, "rollback", example="xrm pack rollback recruiting")
    @_pack
    @workspace_option
    @click.option("--plan", "only_plan", is_flag=True, help="Only say what would change.")
    async def rollback(context: Context, pack: str, slug: str | None, only_plan: bool) -> None:
        """Take back the last step of a pack, values included; what was done since then stays."""
        await _step(context, slug, "rollback", pack, only_plan, find)

    @command(pack, "test", example="xrm pack test recruiting")
    @_pack
    @click.option("--only", multiple=True, metavar="SCENARIO", help="Only these scenarios.")
    async def test(context: Context, pack: str, only: tuple[str, ...]) -> None:
        """Run a pack's scenarios, each in a workspace of its own that is dropped afterwards."""
        async with context.process() as process:
            contents = find(context, process.packs, pack)
            definitions = composed(shelf.with_required(process.packs, contents))
            wanted = [one for one in contents.scenarios if not only or one.name in only]
            outcomes = await run_all(process.database, definitions, wanted)
        _report(context, outcomes)
        context.result([one.as_dict() for one in outcomes], f"{len(outcomes)} scenarios passed.")

    @command(pack, "history", example="xrm pack history recruiting")
    @_pack
    @workspace_option
    async def history(context: Context, pack: str, slug: str | None) -> None:
        """Show what was done with a pack."""
        async with context.process() as process:
            found = await steps_of(process.units, await chosen_workspace(process, slug), pack)
        rows = [
            (one["at"][:16], one["kind"], one["from"] or "-", one["to"] or "-", "undone" if one["undone_at"] else "")
            for one in found
        ]
        context.result(found, table(rows, ("at", "step", "from", "to", "")))

    @command(pack, "export", example="xrm pack export our_way --module rooms --into rooms.zip")
    @click.argument("name")
    @workspace_option
    @click.option(
        "--module", "modules", multiple=True, help="Only these modules; by default all that are not a pack's."
    )
    @click.option("--whole", is_flag=True, help="Modules of packs too, as they are here.")
    @click.option("--version", default="1.0.0", show_default=True)
    @click.option("--into", type=click.Path(path_type=Path), help="A folder, or a .zip file; by default a folder here.")
    async def export_(
        context: Context,
        name: str,
        slug: str | None,
        modules: tuple[str, ...],
        whole: bool,
        version: str,
        into: Path | None,
    ) -> None:
        """Write the live set-up, or a part of it, as a pack."""
        label = name.replace("_", " ").capitalize()
        manifest = read(Pack, {"name": name, "version": version, "label": label})
        async with context.process() as process:
            workspace = await chosen_workspace(process, slug)
            async with process.database.connection() as connection:
                now = await situation(connection, workspace.schema)
        made = export(now.live, manifest, modules=modules or None, whole=whole, installed=now.installed.values())
        files, place = files_of(made), into or Path(name)
        if place.suffix == ".zip":
            place.write_bytes(packed(files))
        else:
            for path, content in files.items():
                (place / path).parent.mkdir(parents=True, exist_ok=True)
                (place / path).write_bytes(content)
        context.result({"into": str(place), "files": sorted(files)}, f"Wrote {len(files)} files to {place}.")


def _report(context: Context, outcomes: list[Outcome]) -> None:
    """Say how scenarios went; what went wrong is refused."""
    for one in outcomes:
        context.say(f"{'passed' if one.passed else 'FAILED'}  {one.name}  ({one.steps} steps)")
    wrong = [Problem(p.code, f"{one.name}#{p.path}", p.message, p.hint) for one in outcomes for p in one.problems]
    if wrong:
        context.problems(wrong)
        raise Refused


def _decisions(decide: tuple[str, ...], file: Path | None) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if file is not None:
        data = json.loads(file.read_text(encoding="utf-8"))
        found += data["conflicts"] if isinstance(data, dict) and "conflicts" in data else data
    for one in decide:
        path, _, choice = one.rpartition("=")
        found.append({"path": path, "choice": choice})
    return found


async def _step(
    context: Context,
    slug: str | None,
    action: Action,
    name: str,
    only_plan: bool,
    find: Find,
    otherwise: Any = None,
    decisions: list[dict[str, Any]] | None = None,
    *,
    with_tests: bool = False,
) -> None:
    answers = read_decisions(decisions or [])
    async with context.process() as process:
        workspace = await chosen_workspace(process, slug)
        contents = find(context, process.packs, name) if action in ("install", "upgrade") else None

        def fetch() -> PackContents:
            assert contents is not None
            return contents

        called = contents.name if contents is not None else name
        plan = await plan_step(process.units, workspace, SYSTEM, action, called, fetch, answers, otherwise)
        if with_tests and plan.ok and contents is not None:
            # In workspaces of their own, over the definitions as they would be here: with all that was changed here.
            _report(context, await run_all(process.database, plan.change.wanted, contents.scenarios))
        if only_plan or not plan.ok:
            context.result(plan.as_dict(), described(plan))
            if not plan.ok:
                context.problems(list(plan.problems))
                raise Refused
            return
        done = await do_step(process.units, workspace, SYSTEM, plan)
    outcome = {"pack": plan.pack, "kind": plan.kind, "version": plan.to_version, "definitions": done.number}
    context.result(outcome, f"{plan.pack}: {plan.kind} done, {plan.from_version or '-'} to {plan.to_version or '-'}.")


def described(plan: PackPlan) -> str:
    """A step for people: what changes, which values go along, and what has to be decided."""
    signs = {"added": "+", "removed": "-", "changed": "~", "moved": "^"}
    lines = [f"{plan.pack}: {plan.kind}, {plan.from_version or '-'} to {plan.to_version or '-'}"]
    counts = plan.change.impact or {}
    for change in plan.changes:
        if change.parts[0] != "origin":
            concerned = f"  ({counts[change.path]:,} records)" if change.path in counts else ""
            lines.append(f"{signs[change.kind]} {change.path}{concerned}")
    for planned in plan.conversions:
        shown = planned.as_dict()
        lines.append(f"= {shown['module']}.{shown['key']}: values of {shown['records']:,} records go along")
    for conflict in plan.conflicts:
        mark = "decided" if conflict.decided else "to decide"
        lines.append(f"! {conflict.path}: {mark}, {conflict.chosen} of {', '.join(conflict.choices)}")
        for side in ("base", "theirs", "mine"):
            lines.append(f"    {side}: {json.dumps(conflict.as_dict().get(side), ensure_ascii=False)[:160]}")
    return "\n".join(lines)
