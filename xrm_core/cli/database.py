"""`xrm db` and `xrm settings`."""

from __future__ import annotations

import click

from xrm_core.cli.base import Context, Refused, command, table
from xrm_core.kernel.problem import Problem
from xrm_core.storage.migrations.run import upgrade


def register(xrm: click.Group) -> None:
    """Add the commands."""

    @xrm.group(epilog="\b\nExample:\n  xrm db upgrade --plan")
    def db() -> None:
        """The database schema."""

    @command(db, "upgrade", example="xrm db upgrade --plan")
    @click.option("--plan", is_flag=True, help="Only say what would run.")
    async def upgrade_(context: Context, plan: bool) -> None:
        """Bring functions, control schema and all workspaces up to date. Can be repeated and interrupted."""
        async with context.database() as database:
            steps = await upgrade(database, plan=plan)
        rows = [(step.place, step.revision, step.summary) for step in steps]
        shown = [{"place": place, "revision": revision, "summary": summary} for place, revision, summary in rows]
        text = table(rows, ("place", "revision", "summary")) if rows else "Everything is up to date."
        context.result({"plan": plan, "steps": shown}, text)

    @command(xrm, "settings", example="xrm settings --json")
    async def settings(context: Context) -> None:
        """Show all settings with their values and where those come from; secrets are masked."""
        values = list(context.settings.values.values())
        shown = {
            value.option.variable: {"value": value.shown, "source": value.source, "help": value.option.help}
            for value in values
        }
        rows = [(value.option.variable, value.shown or "-", value.source) for value in values]
        context.result(shown, table(rows, ("setting", "value", "source")))
        if context.settings.unknown:
            context.problems(
                [
                    Problem("unknown_setting", "", f"{name} is no setting.", "Check its spelling.")
                    for name in context.settings.unknown
                ]
            )
            raise Refused
