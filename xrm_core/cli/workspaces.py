"""`xrm workspace`."""

from __future__ import annotations

import re
from pathlib import Path

import click

from xrm_core.cli.base import Context, command, table
from xrm_core.cli.progress import Progress
from xrm_core.kernel.errors import Conflict, Invalid
from xrm_core.kernel.problem import Problem
from xrm_core.storage.dump import dump, restore
from xrm_core.storage.errors import Taken
from xrm_core.storage.workspaces import Workspace, create_workspace, drop_workspace, get_workspace, list_workspaces

_SLUG = re.compile(r"[a-z0-9]([a-z0-9-]{0,46}[a-z0-9])?")


def register(xrm: click.Group) -> None:
    """Add the commands."""

    @xrm.group(epilog="\b\nExample:\n  xrm workspace create acme --name 'Acme Search'")
    def workspace() -> None:
        """Workspaces: each has its own records, definitions and users."""

    @command(workspace, "create", example="xrm workspace create acme --name 'Acme Search' --currency GBP")
    @click.argument("slug")
    @click.option("--name", help="By default the slug.")
    @click.option("--time-zone", help="By default XRM_TIME_ZONE.")
    @click.option("--currency", help="By default XRM_CURRENCY.")
    @click.option("--locale", help="By default XRM_LOCALE.")
    async def create(
        context: Context, slug: str, name: str | None, time_zone: str | None, currency: str | None, locale: str | None
    ) -> None:
        """Make an empty workspace."""
        check_slug(slug)
        settings = context.settings.with_values(time_zone=time_zone, currency=currency, locale=locale).checked()
        async with context.process() as process:
            try:
                made = await create_workspace(
                    process.database, slug=slug, name=name or slug, now=process.clock.now(),
                    time_zone=settings.time_zone, currency=settings.currency, locale=settings.locale,
                )  # fmt: skip
            except Taken:
                raise Conflict(Problem("taken", "/slug", f"There is a workspace {slug} already.")) from None
        text = f"Made workspace {slug}. Let somebody in: xrm user create --workspace {slug} --email ... --role admin"
        context.result(_shown(made), text)

    @command(workspace, "list", example="xrm workspace list --json")
    async def list_(context: Context) -> None:
        """Show all workspaces."""
        async with context.database() as database:
            found = await list_workspaces(database)
        rows = [(one.slug, one.name, one.time_zone, one.currency, one.schema) for one in found]
        text = (
            table(rows, ("slug", "name", "time zone", "currency", "schema")) if rows else "There is no workspace yet."
        )
        context.result([_shown(one) for one in found], text)

    @command(workspace, "drop", example="xrm workspace drop acme --yes")
    @click.argument("slug")
    @click.option("--yes", is_flag=True, help="Yes, with all its records, for ever.")
    async def drop(context: Context, slug: str, yes: bool) -> None:
        """Remove a workspace with all its records, for ever."""
        async with context.database() as database:
            found = await get_workspace(database, slug)
            if not yes:
                raise Conflict(
                    Problem("confirm", "", f"This removes all records of {found.name} for ever.", "Add --yes.")
                )
            await drop_workspace(database, found)
        context.result({"dropped": slug}, f"Removed workspace {slug}.")

    @command(workspace, "dump", example="xrm workspace dump acme acme.xrm")
    @click.argument("slug")
    @click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
    async def dump_(context: Context, slug: str, file: Path) -> None:
        """Write a workspace with records, definitions, files, history and members to one file."""
        async with context.database() as database:
            found = await get_workspace(database, slug)
            with Progress("Writing", quiet=context.as_json) as progress:
                tables = await dump(database, found, file, progress.step)
        context.result({"file": str(file), "tables": tables}, f"Wrote {tables} tables to {file}.")

    @command(workspace, "restore", example="xrm workspace restore acme.xrm --slug acme-copy")
    @click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
    @click.option("--slug", help="By default the one it had.")
    @click.option("--name", help="By default the one it had.")
    async def restore_(context: Context, file: Path, slug: str | None, name: str | None) -> None:
        """Make a new workspace out of a file that dump wrote."""
        if slug is not None:
            check_slug(slug)
        async with context.process() as process:
            try:
                with Progress("Reading", quiet=context.as_json) as progress:
                    done = await restore(
                        process.database, file, slug=slug, name=name, now=process.clock.now(), report=progress.step
                    )
            except Taken:
                problem = Problem(
                    "taken", "/slug", "There is a workspace of that name already.", "Choose another with --slug."
                )
                raise Conflict(problem) from None
        text = f"Restored workspace {done.workspace.slug}."
        if done.strangers:
            text += f" These have another account here and must be let in anew: {', '.join(done.strangers)}."
        context.result({**_shown(done.workspace), "strangers": done.strangers}, text)


def check_slug(slug: str) -> None:
    """Raises Invalid unless the slug can stand in an address."""
    if not _SLUG.fullmatch(slug):
        message = f"{slug!r} is no slug: lower-case letters, digits and inner hyphens, at most 48."
        raise Invalid(Problem("slug", "/slug", message, "For example acme-search."))


def _shown(one: Workspace) -> dict[str, object]:
    return {
        "id": str(one.id), "slug": one.slug, "name": one.name, "schema": one.schema,
        "time_zone": one.time_zone, "currency": one.currency, "locale": one.locale,
    }  # fmt: skip
