"""`xrm demo`, `xrm serve` and `xrm worker`."""

from __future__ import annotations

import click

from xrm_core import logs
from xrm_core.cli import serving
from xrm_core.cli.base import Context, command
from xrm_core.kernel.errors import Unavailable
from xrm_core.kernel.problem import Problem
from xrm_core.storage.database import Database
from xrm_core.storage.migrations.run import upgrade


def register(xrm: click.Group) -> None:
    """Add the commands."""

    @command(xrm, "serve", example="xrm serve --port 8000")
    @click.option("--port", type=click.IntRange(0, 65535), help="By default XRM_PORT, else 8000; 0 takes any free one.")
    @click.option("--host", help="By default XRM_HOST, else 127.0.0.1.")
    async def serve(context: Context, port: int | None, host: str | None) -> None:
        """Answer web and API requests until Ctrl-C; may run as often as wanted."""
        logs.set_up(context.settings)
        async with context.process() as process:
            await require_current(process.database)
            await serving.serve(process, lambda where: context.say(f"Serving {where} (Ctrl-C ends it)"), work=False)

    @command(xrm, "worker", example="xrm worker")
    async def worker(context: Context) -> None:
        """Do background work until Ctrl-C; may run as often as wanted."""
        logs.set_up(context.settings)
        async with context.process() as process:
            await require_current(process.database)
            await serving.work(process, lambda: context.say("Working (Ctrl-C ends it)"))


async def require_current(database: Database) -> None:
    """Raises Unavailable when migrations are waiting."""
    steps = await upgrade(database, plan=True)
    if steps:
        message = f"The database is not up to date: {len(steps)} steps are waiting."
        raise Unavailable(Problem("migrations", "", message, "Run `xrm db upgrade` first."))
