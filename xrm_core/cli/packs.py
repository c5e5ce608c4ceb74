"""`xrm pack`: everything one does with a pack, and `xrm schemas`."""

from __future__ import annotations

from pathlib import Path

import click

from xrm_core.cli import pack_author, pack_life
from xrm_core.cli.base import Context, Refused, chosen_workspace, command, table, workspace_option
from xrm_core.cli.progress import Progress
from xrm_core.kernel.actor import SYSTEM
from xrm_core.kernel.labels import label_text
from xrm_core.packs import sample, shelf
from xrm_core.packs.install import install, plan_install
from xrm_core.packs.layout import PackContents
from xrm_core.packs.scaffold import scaffold
from xrm_core.publishing import ChangePlan

_SIGNS = {"added": "+", "removed": "-", "changed": "~", "moved": "^"}
_pack = click.argument("pack", metavar="PACK")


def register(xrm: click.Group) -> None:
    """Add the commands."""

    @xrm.group(epilog="\b\nExample:\n  xrm pack plan recruiting")
    def pack() -> None:
        """Module packs. PACK is the name of one that came with the product, or the path of a folder."""

    @command(pack, "list", example="xrm pack list")
    @workspace_option
    async def list_(context: Context, slug: str | None) -> None:
        """Show the packs at hand, and which are installed."""
        async with context.process() as process:
            workspace = await chosen_workspace(process, slug)
            found = shelf.everything(process.packs)
            async with process.units.begin(workspace, SYSTEM) as unit:
                installed = dict(unit.catalog.definitions.packs)
        rows = [(one.name, one.version, label_text(one.manifest.label), installed.get(one.name, "-")) for one in found]
        shown = [
            {"name": name, "version": version, "label": label, "installed": installed.get(name)}
            for name, version, label, _ in rows
        ]
        context.result(shown, table(rows, ("name", "version", "label", "installed")))

    @command(pack, "new", example="xrm pack new room_booking", data_dir=False)
    @click.argument("name")
    @click.option("--label", help="What people see; by default made from the name.")
    @click.option("--into", type=click.Path(file_okay=False, path_type=Path), default=Path(), help="By default here.")
    async def new(context: Context, name: str, label: str | None, into: Path) -> None:
        """Write a small pack to start from."""
        files = [str(path) for path in scaffold(into, name, label)]
        context.result({"files": files}, "\n".join([*files, f"Check it: xrm pack check {into / name}"]))

    @command(pack, "plan", example="xrm pack plan recruiting")
    @_pack
    @workspace_option
    async def plan(context: Context, pack: str, slug: str | None) -> None:
        """Say what installing a pack would change; changes nothing."""
        async with context.process() as process:
            workspace = await chosen_workspace(process, slug)
            made = await plan_install(process.units, workspace, SYSTEM, _contents(context, process.packs, pack))
        context.result(made.as_dict(), describe(made.change))
        if not made.ok:
            context.problems(list(made.problems))
            raise Refused

    @command(pack, "install", example="xrm pack install recruiting --sample")
    @_pack
    @workspace_option
    @click.option("--sample", "with_sample", is_flag=True, help="Load the pack's sample data too.")
    async def install_(context: Context, pack: str, slug: str | None, with_sample: bool) -> None:
        """Install a pack into a workspace."""
        async with context.process() as process:
            workspace = await chosen_workspace(process, slug)
            contents = _contents(context, process.packs, pack)
            records = 0
            with Progress("Installing", quiet=context.as_json) as progress:
                progress.step(f"the pack {contents.name}", 0)
                done = await install(process.units, workspace, SYSTEM, contents)
                if with_sample:
                    records = await sample.load(process.units, workspace, contents, progress.step)
        outcome = {"pack": contents.name, "version": contents.version, "definitions": done.number, "records": records}
        more = f" with {records:,} records of sample data" if with_sample else ""
        context.result(outcome, f"Installed {contents.name} {contents.version}{more}.")

    @command(pack, "sample", example="xrm pack sample recruiting --remove")
    @_pack
    @workspace_option
    @click.option("--remove", is_flag=True, help="Take the sample data out again.")
    async def sample_(context: Context, pack: str, slug: str | None, remove: bool) -> None:
        """Load the sample data of an installed pack, or remove it; what people added stays."""
        async with context.process() as process:
            workspace = await chosen_workspace(process, slug)
            contents = _contents(context, process.packs, pack)
            with Progress("Removing" if remove else "Loading", quiet=context.as_json) as progress:
                if remove:
                    records = await sample.remove(process.units, workspace, contents)
                else:
                    records = await sample.load(process.units, workspace, contents, progress.step)
        verb = "removed" if remove else "loaded"
        context.result({verb: records}, f"{verb.capitalize()} {records:,} records.")

    pack_author.register(pack)
    pack_life.register(pack, _contents)


def _contents(context: Context, shelves: tuple[Path, ...], pack: str) -> PackContents:
    here = Path(pack)
    if here.is_dir() and (here / "pack.json").is_file():
        return shelf.contents([here.resolve().parent], here.resolve().name)
    return shelf.contents(shelves, pack)


def describe(plan: ChangePlan) -> str:
    """A plan for people: one line per change of a module, and what there is to do."""
    if plan.empty:
        return "Nothing would change."
    counts = plan.impact or {}
    lines = []
    for change in plan.changes:
        if change.parts[0] == "origin":
            continue
        concerned = f"  ({counts[change.path]:,} records)" if change.path in counts else ""
        grave = "" if change.effect == "safe" else f"  [{change.effect.replace('_', ' ')}]"
        lines.append(f"{_SIGNS[change.kind]} {change.path}{grave}{concerned}")
    lines.append(f"{len(lines)} changes, {len(plan.work)} things to do afterwards. Nothing was changed.")
    return "\n".join(lines)
