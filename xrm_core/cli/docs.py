"""`xrm docs`: the generated parts of the documents, written and checked."""

from __future__ import annotations

from pathlib import Path

import click

from xrm_core.cli.base import Context, Refused, command
from xrm_core.cli.reference import parts
from xrm_core.cli.reference.pages import compare
from xrm_core.kernel.errors import NotFound
from xrm_core.kernel.problem import Problem

_place = click.option(
    "--docs", "directory", type=click.Path(file_okay=False, path_type=Path), default=Path("docs"), show_default=True,
    help="Where the documents are.",
)  # fmt: skip


def register(xrm: click.Group) -> None:
    """Add the commands."""

    @xrm.group(epilog="\b\nExample:\n  xrm docs check")
    def docs() -> None:
        """The reference pages, whose tables are made from the code."""

    @command(docs, "write", example="xrm docs write", data_dir=False)
    @_place
    async def write(context: Context, directory: Path) -> None:
        """Bring the generated parts of all pages up to date."""
        stale, problems = compare(_existing(directory), parts(xrm))
        for path, text in stale.items():
            path.write_text(text, encoding="utf-8")
        written = [str(path) for path in stale]
        context.result(
            {"written": written}, "\n".join(f"Wrote {one}" for one in written) or "Everything is up to date."
        )
        _refuse(context, problems)

    @command(docs, "check", example="xrm docs check", data_dir=False)
    @_place
    async def check(context: Context, directory: Path) -> None:
        """Find pages that the code has left behind; changes nothing."""
        stale, problems = compare(_existing(directory), parts(xrm))
        problems += [
            Problem("stale", f"/{path}", "The page is not what the code says.", "Run `xrm docs write`.")
            for path in stale
        ]
        if not problems:
            context.result({"stale": []}, "Everything is up to date.")
        _refuse(context, problems)


def _existing(directory: Path) -> Path:
    if not directory.is_dir():
        raise NotFound(Problem("not_found", "", f"There is no directory {directory}.", "Name it with --docs."))
    return directory


def _refuse(context: Context, problems: list[Problem]) -> None:
    if problems:
        context.problems(problems)
        raise Refused
