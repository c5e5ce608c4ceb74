"""`xrm schemas`: the JSON Schemas of definition files, written and checked."""

from __future__ import annotations

from pathlib import Path

import click

from xrm_core.cli.base import Context, Refused, command
from xrm_core.definitions import json_schemas
from xrm_core.kernel.problem import Problem

_place = click.option(
    "--schemas",
    "directory",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("schemas"),
    show_default=True,
    help="Where the schemas are.",
)


def register(xrm: click.Group) -> None:
    """Add the commands."""

    @xrm.group(epilog="\b\nExample:\n  xrm schemas check")
    def schemas() -> None:
        """The JSON Schemas that let an editor complete and check definition files."""

    @command(schemas, "write", example="xrm schemas write", data_dir=False)
    @_place
    async def write(context: Context, directory: Path) -> None:
        """Bring the schema files up to date."""
        written = [str(path) for path in json_schemas.write(directory)]
        said = "\n".join(f"Wrote {one}" for one in written) or "Everything is up to date."
        context.result({"written": written}, said)

    @command(schemas, "check", example="xrm schemas check", data_dir=False)
    @_place
    async def check(context: Context, directory: Path) -> None:
        """Find schema files that the code has left behind; changes nothing."""
        stale = json_schemas.check(directory)
        if stale:
            hint = "Run `xrm schemas write`."
            context.problems(
                [
                    Problem("stale", f"/{directory / name}", "The file is not what the code says.", hint)
                    for name in stale
                ]
            )
            raise Refused
        context.result({"stale": []}, "Everything is up to date.")
