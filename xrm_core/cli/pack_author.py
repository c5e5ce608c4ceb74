"""`xrm pack check` and `xrm pack watch`: for those who write packs."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import click

from xrm_core.cli.base import Context, Refused, chosen_workspace, command, workspace_option
from xrm_core.definitions.collection import DefinitionSet
from xrm_core.definitions.pack_contents import composed
from xrm_core.kernel.actor import SYSTEM
from xrm_core.kernel.errors import Conflict, NotFound, XrmError
from xrm_core.kernel.problem import Problem
from xrm_core.packs import shelf
from xrm_core.packs.fixing import fix, fixable
from xrm_core.packs.layout import PackContents
from xrm_core.packs.read import read_pack
from xrm_core.packs.steps import do_step, plan_step
from xrm_core.packs.validate import check_folder
from xrm_core.storage import due

_pack = click.argument("pack", metavar="PACK")
_LOOK = 0.4


def register(group: click.Group) -> None:
    """Add the commands."""

    @command(group, "check", example="xrm pack check module_packs/recruiting --fix")
    @_pack
    @click.option("--fix", "mend", is_flag=True, help="Mend what can be mended without asking, then check.")
    async def check(context: Context, pack: str, mend: bool) -> None:
        """Find every problem of a pack: wrong files, names that lead nowhere, expressions that cannot work."""
        folder = folder_of(context, pack)
        fixed = fix(folder) if mend else []
        for said in fixed:
            context.say(said)
        contents, problems = check_folder(folder, _needed(context, folder))
        if problems:
            if context.as_json:
                context.result({"ok": False, "fixed": fixed, "problems": [_as_dict(one) for one in problems]})
            else:
                context.problems(problems)
                mendable = sum(fixable(one) for one in problems)
                if mendable:
                    context.say(f"{mendable} of {len(problems)} can be mended: xrm pack check {pack} --fix")
            raise Refused
        assert contents is not None
        counts = {
            "modules": len(contents.modules),
            "extensions": len(contents.extensions),
            "roles": len(contents.roles),
            "scenarios": len(contents.scenarios),
            "sample_data": len(contents.sample_data),
        }
        names = {"modules": "modules", "extensions": "extended modules", "roles": "roles", "scenarios": "scenarios"}
        names["sample_data"] = "files of sample data"
        said = ", ".join(f"{count} {names[what]}" for what, count in counts.items() if count)
        context.result(
            {"ok": True, "pack": contents.name, "version": contents.version, "fixed": fixed, "problems": [], **counts},
            f"{contents.name} is sound: {said}.",
        )

    @command(group, "watch", example="xrm pack watch my_packs/clinic")
    @_pack
    @workspace_option
    @click.option("--once", is_flag=True, help="Publish what is there now and end.")
    async def watch(context: Context, pack: str, slug: str | None, once: bool) -> None:
        """Publish a pack into a workspace again whenever one of its files is saved; the pack wins over local changes."""
        folder = folder_of(context, pack)
        async with context.process() as process:
            workspace = await chosen_workspace(process, slug)
            seen: dict[str, tuple[int, int]] | None = None
            while True:
                now = _stamps(folder)
                if now != seen:
                    seen = now
                    problems = await _publish(context, process, workspace, folder)
                    if once and problems:
                        raise Refused
                if once:
                    return
                await asyncio.sleep(_LOOK)


def folder_of(context: Context, pack: str) -> Path:
    """The folder of a pack that is named or lies on a shelf."""
    here = Path(pack)
    return here if here.is_dir() else shelf.folders(context.shelves).get(pack, here)


def _needed(context: Context, folder: Path) -> DefinitionSet | None:
    """What the packs bring that this one requires: from the shelves, or from beside it; None where one is not at hand."""
    contents, _ = read_pack(folder)
    if contents is None or not contents.manifest.requires:
        return None
    shelves = [folder.resolve().parent, *context.shelves]
    try:
        found = shelf.with_required(shelves, contents)
    except (NotFound, XrmError):
        return None
    return composed([one for one in found if one.name != contents.name])


def _as_dict(problem: Problem) -> dict[str, Any]:
    file, _, pointer = problem.path.partition("#")
    return {
        "code": problem.code,
        "file": file,
        "pointer": pointer,
        "message": problem.message,
        "hint": problem.hint,
        "fixable": fixable(problem),
    }


def _stamps(folder: Path) -> dict[str, tuple[int, int]]:
    """Size and time of every file: what differs after a save."""
    found = {}
    for path in folder.rglob("*"):
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts):
            status = path.stat()
            found[path.as_posix()] = (status.st_mtime_ns, status.st_size)
    return found


async def _publish(context: Context, process: Any, workspace: Any, folder: Path) -> list[Problem]:
    contents, problems = check_folder(folder, _needed(context, folder))
    if problems or contents is None:
        context.problems(problems)
        return problems
    pack: PackContents = contents
    process.units.catalogs.forget(workspace)
    async with process.units.begin(workspace, SYSTEM) as unit:
        installed = pack.name in unit.catalog.definitions.packs
    action: Any = "upgrade" if installed else "install"
    try:
        plan = await plan_step(process.units, workspace, SYSTEM, action, pack.name, lambda: pack, None, "theirs")
        if not plan.ok:
            context.problems(list(plan.problems))
            return list(plan.problems)
        done = await do_step(process.units, workspace, SYSTEM, plan)
    except Conflict as same:
        if any(one.code == "installed" for one in same.problems):
            context.say(f"{pack.name} {pack.version}: nothing has changed.")
            return []
        context.problems(same.problems)
        return same.problems
    except XrmError as refused:
        context.problems(refused.problems)
        return refused.problems
    async with process.database.control() as connection:
        await due.hint(connection, workspace.id, process.units.clock.now())
    counted = sum(1 for change in plan.changes if change.parts[0] not in ("origin", "pack"))
    context.say(f"{pack.name} {pack.version}: published as version {done.number}, {counted} changes.")
    return []
