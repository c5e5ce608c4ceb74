"""What all commands share: common options, one way to run, one way to print, one way to fail."""

from __future__ import annotations

import asyncio
import functools
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NoReturn

import click
import orjson
import uvloop

from xrm_core import logs
from xrm_core.app import Process, assemble, connected, pack_dirs
from xrm_core.kernel.errors import XrmError
from xrm_core.kernel.problem import Problem
from xrm_core.kernel.turns import spare_the_collector
from xrm_core.settings import Settings
from xrm_core.storage.database import Database
from xrm_core.storage.workspaces import Workspace, get_workspace, list_workspaces

Action = Callable[..., Coroutine[Any, Any, None]]


class Refused(Exception):
    """A command that found something wrong: exit code 1, after what it printed."""


class Context:
    """What a command works with."""

    def __init__(self, settings: Settings, *, as_json: bool) -> None:
        self.settings = settings
        self.as_json = as_json

    @asynccontextmanager
    async def database(self) -> AsyncIterator[Database]:
        """The open database, which may still be empty."""
        async with connected(self.settings) as database:
            yield database

    @asynccontextmanager
    async def process(self) -> AsyncIterator[Process]:
        """The parts of a process, its database open."""
        async with connected(self.settings) as database:
            yield assemble(self.settings, database)

    @property
    def shelves(self) -> tuple[Path, ...]:
        """Where packs are looked for."""
        return pack_dirs(self.settings)

    def say(self, text: str) -> None:
        """A line for people; machines do not see it."""
        if not self.as_json:
            click.echo(text)

    def result(self, value: Any, text: str | None = None) -> None:
        """The outcome: as JSON for machines, else as text."""
        if self.as_json:
            click.echo(orjson.dumps(value, default=str, option=orjson.OPT_INDENT_2).decode())
        elif text is not None:
            click.echo(text)

    def problems(self, problems: list[Problem]) -> None:
        """Problems on standard error, one line each."""
        print_problems(problems, as_json=self.as_json)


def command(
    group: click.Group, name: str, *, example: str, data_dir: bool = True, epilog: str = ""
) -> Callable[[Action], click.Command]:
    """Make an asynchronous function a command of a group, with the options that every command has."""

    def wrap(action: Action) -> click.Command:
        @functools.wraps(action)
        def run(*arguments: Any, **options: Any) -> None:
            as_json = bool(options.pop("as_json"))
            given: dict[str, Any] = {"data_dir": options.pop("data_dir", None)}
            given |= {key: options.get(key) for key in ("host", "port") if key in options}
            execute(lambda context: action(context, *arguments, **options), as_json=as_json, given=given)

        made = click.command(
            name, help=action.__doc__, epilog=f"\b\nExample:\n  {example}" + (f"\n\n{epilog}" if epilog else "")
        )(run)
        made.params += _common(data_dir)
        group.add_command(made)
        return made

    return wrap


def execute(
    action: Callable[[Context], Coroutine[Any, Any, None]], *, as_json: bool, given: dict[str, Any] | None = None
) -> None:
    """Run an action to its end and leave with the exit code: 0 done, 1 refused, 2 wrong usage."""
    debug = False
    try:
        settings = Settings.load(**(given or {})).checked()
        debug = settings["log_level"].lower() == "debug"
        logs.set_up(settings, quiet=True)
        spare_the_collector()
        uvloop.run(action(Context(settings, as_json=as_json)))
    except Refused:
        sys.exit(1)
    except XrmError as error:
        fail(error.problems, as_json=as_json)
    except (KeyboardInterrupt, asyncio.CancelledError):
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(1)
    except OSError as error:
        what = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        fail([Problem("system", "", f"{what}.")], as_json=as_json)
    except Exception as error:
        if debug:
            raise
        said = str(error.__cause__ if isinstance(error.__cause__, XrmError) else error).strip() or type(error).__name__
        hint = "XRM_LOG_LEVEL=debug shows where it happened."
        fail([Problem("fault", "", f"Something went wrong: {said.splitlines()[0]}", hint)], as_json=as_json)


def fail(problems: list[Problem], *, as_json: bool = False) -> NoReturn:
    """Print problems and leave with exit code 1."""
    print_problems(problems, as_json=as_json)
    sys.exit(1)


def print_problems(problems: list[Problem], *, as_json: bool) -> None:
    """One line per problem on standard error, or one JSON document."""
    if as_json:
        click.echo(orjson.dumps({"problems": [problem.as_dict() for problem in problems]}).decode(), err=True)
        return
    for problem in problems:
        where = f"{problem.path}: " if problem.path else ""
        line = " ".join(f"xrm: {where}{problem.message} {problem.hint}".split())
        click.echo(line, err=True)


def _common(data_dir: bool) -> list[click.Parameter]:
    found: list[click.Parameter] = [click.Option(["--json", "as_json"], is_flag=True, help="Print JSON, for machines.")]
    if data_dir:
        place = click.Path(file_okay=False, path_type=Path)
        found.append(click.Option(["--data-dir"], type=place, help="Where the embedded server keeps its data."))
    return found


def workspace_option(function: Any) -> Any:
    """The option that names a workspace."""
    return click.option("--workspace", "slug", metavar="SLUG", help="Which workspace; needed when there are several.")(
        function
    )


async def chosen_workspace(process: Process, slug: str | None) -> Workspace:
    """The workspace called `slug`; without one, the only one there is."""
    if slug is not None:
        return await get_workspace(process.database, slug)
    found = await list_workspaces(process.database)
    if len(found) == 1:
        return found[0]
    hint = (
        "Make one with `xrm workspace create`."
        if not found
        else f"Add --workspace: {', '.join(one.slug for one in found)}."
    )
    raise Missing(
        Problem("workspace", "", "There is no workspace yet." if not found else "There are several workspaces.", hint)
    )


class Missing(XrmError):
    """The command cannot know what it should work on."""

    status = 404
    title = "Not found"


def table(rows: Sequence[tuple[str, ...]], head: tuple[str, ...]) -> str:
    """Aligned columns for a terminal."""
    widths = [max(len(row[index]) for row in [head, *rows]) for index in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in [head, *rows]
    )
