"""`xrm import`: files into records, tried first, with progress, an error file and undo."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import click

from xrm_core.app import Process
from xrm_core.cli.base import Context, Refused, chosen_workspace, command, table, workspace_option
from xrm_core.cli.progress import Progress
from xrm_core.importing import bundle as bundles
from xrm_core.importing.jobs import Imports
from xrm_core.importing.mapping import Mapping, read_mapping
from xrm_core.importing.outcome import ErrorFile, Outcome, as_dict, sentence
from xrm_core.importing.reader import Table, open_table
from xrm_core.importing.run import Importer
from xrm_core.kernel.actor import Actor
from xrm_core.kernel.errors import Invalid, NotFound
from xrm_core.kernel.problem import Problem
from xrm_core.storage.workspaces import Workspace

_SHOWN = 20
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


def register(xrm: click.Group) -> None:
    """Add the commands."""

    @xrm.group("import", epilog="\b\nExample:\n  xrm import run people contacts.csv --map 'Mail=email' --match email")
    def import_() -> None:
        """Files into records: CSV of any common encoding and delimiter."""

    @command(import_, "plan", example="xrm import plan people contacts.csv --map 'Mail=email' --match email")
    @click.argument("module")
    @click.argument("file", type=_FILE)
    @_mapping_options
    async def plan(context: Context, module: str, file: Path, **options: Any) -> None:
        """Try an import: say where every column goes, what would be made and every problem; nothing is kept."""
        async with context.process() as process:
            workspace, actor = await _who(process, options)
            opened, mapping = await _open(file, options)
            importer = Importer(process.units, workspace, actor, module, opened, mapping)
            prepared = await importer.prepare()
            columns = [
                (one.column, one.target.text if one.target else "-", f"{one.sure:.0%}" if one.target else "")
                for one in prepared.assigned
            ]
            context.say(table(columns, ("column", "goes to", "sure")))
            for note in opened.notes:
                context.say(f"Note: {note.message} {note.hint}".strip())
            outcome = await _work(context, options, opened, partial(importer.run, dry=True), file.name)
        shown = [{"column": column, "target": target} for column, target, _ in columns]
        _result(
            context,
            outcome,
            {"columns": shown, "match": list(prepared.match), "format": opened.described()},
            "would be ",
        )
        if outcome.counts["left_out"]:
            raise Refused

    @command(import_, "run", example="xrm import run people contacts.csv --errors left-out.csv")
    @click.argument("module")
    @click.argument("file", type=_FILE)
    @click.option("--resume", "resume", metavar="ID", help="Go on with an import that was interrupted.")
    @_mapping_options
    async def run(context: Context, module: str, file: Path, resume: str | None, **options: Any) -> None:
        """Import a file; rows with problems are left out and reported."""
        async with context.process() as process:
            workspace, actor = await _who(process, options)
            imports = Imports(process.units, workspace, actor)
            opened, mapping = await _open(file, options)
            if resume is None:
                known = await imports.add(module, file.name, opened, mapping)
            else:
                known = await imports.get(_id(resume))
                opened = await imports.table(known, file)
            known = await imports.claim(known.id, "running")
            outcome = await _work(context, options, opened, partial(imports.run, known, file), file.name)
        _result(context, outcome, {"import": str(known.id)}, "")
        context.say(f"`xrm import undo {known.id}` takes it back.")
        if outcome.counts["left_out"]:
            raise Refused

    @command(import_, "undo", example="xrm import undo 0192d3a0-0000-7000-8000-000000000001")
    @click.argument("import_id", metavar="ID")
    @workspace_option
    @_as_option
    async def undo(context: Context, import_id: str, **options: Any) -> None:
        """Erase exactly the records that an import (or a bundle) created, and give those it changed their values back."""
        async with context.process() as process:
            workspace, actor = await _who(process, options)
            with Progress("Undoing", quiet=context.as_json) as progress:
                step = partial(progress.step, "records")
                undone = await bundles.undo_any(process.units, workspace, actor, _id(import_id), step)
        text = f"{undone.erased} records erased."
        if undone.restored:
            text += f" {undone.restored} are as they were."
        if undone.kept:
            text += f" {len(undone.kept)} stay:\n" + "\n".join(
                f"  {one.title}: {one.reason}" for one in undone.kept[:_SHOWN]
            )
        context.result(undone.as_json(), text)

    @command(import_, "list", example="xrm import list")
    @workspace_option
    @_as_option
    async def list_(context: Context, **options: Any) -> None:
        """Show the latest imports."""
        async with context.process() as process:
            workspace, actor = await _who(process, options)
            found = await Imports(process.units, workspace, actor).newest()
        rows = [
            (
                str(one.id),
                one.file_name,
                one.module_id,
                one.state,
                str(one.counts.get("created", 0)),
                f"{one.created_at:%Y-%m-%d %H:%M}",
            )
            for one in found
        ]
        keys = ("id", "file", "module", "state", "created", "at")
        context.result([dict(zip(keys, row, strict=True)) for row in rows], table(rows, keys))

    @command(import_, "bundle", example="xrm import bundle export/bundle.json --plan")
    @click.argument("file", type=_FILE)
    @click.option("--folder", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Where the files are; by default beside the bundle file.")
    @click.option("--plan", "dry", is_flag=True, help="Only say what would happen.")
    @click.option(
        "--errors",
        type=click.Path(file_okay=False, path_type=Path),
        help="Write the rows that are left out into files here.",
    )
    @workspace_option
    @_as_option
    async def bundle(context: Context, file: Path, folder: Path | None, dry: bool, errors: Path | None, **options: Any) -> None:
        """Import several files that belong together, as a bundle file says."""
        async with context.process() as process:
            workspace, actor = await _who(process, options)
            wanted = await asyncio.to_thread(bundles.read_bundle, file, folder)
            with Progress("Importing", quiet=context.as_json) as progress:
                done = await bundles.run_bundle(
                    process.units,
                    workspace,
                    actor,
                    wanted,
                    users=process.users,
                    dry=dry,
                    progress=progress.step,
                    errors=errors,
                )
        left_out = sum(one.outcome.counts["left_out"] for one in done.files)
        lines = []
        for one in done.files:
            counts = one.outcome.counts
            lines.append(
                f"{one.name}: {counts['created']} new, {counts['updated']} updated, {counts['unchanged']} unchanged,"
                f" {counts['left_out']} left out, {counts['warnings']} warnings"
            )
            lines += _sentences(one.outcome)
        if not dry:
            lines.append(f"`xrm import undo {done.id}` takes it back.")
        context.result(done.as_json(), "\n".join(lines))
        if left_out:
            raise Refused


def _mapping_options(function: Any) -> Any:
    for option in (
        click.option(
            "--map",
            "columns",
            multiple=True,
            metavar="COLUMN=TARGET",
            help="Where a column goes; nothing after = leaves it out.",
        ),
        click.option("--set", "constants", multiple=True, metavar="TARGET=TEXT", help="The same value for every row."),
        click.option("--match", multiple=True, metavar="FIELD", help="Rows that fit a record by this field change it."),
        click.option("--mapping", "mapping_file", type=_FILE, help="A JSON file with the whole mapping."),
        click.option("--source", help="The system that keys (external_id) come from."),
        click.option(
            "--existing", type=click.Choice(["update", "skip"]), help="What to do with records that are there."
        ),
        click.option(
            "--missing", type=click.Choice(["create", "skip"]), help="What to do with records that are not there."
        ),
        click.option("--unresolved", type=click.Choice(["skip", "without"]), help="Rows whose links lead nowhere."),
        click.option("--empty", type=click.Choice(["keep", "clear"]), help="Empty cells of records that are there."),
        click.option("--ragged", type=click.Choice(["skip", "fill"]), help="Rows with too few or too many cells."),
        click.option("--rest", type=click.Choice(["guess", "ignore"]), help="Columns that --map does not name."),
        click.option("--region", help="Country of numbers without prefix and of dates, such as US."),
        click.option("--currency", help="Currency of amounts that name none, such as USD."),
        click.option("--encoding", help="Such as utf-8 or cp1252; found out when absent."),
        click.option("--delimiter", help="Such as ; or a tab; found out when absent."),
        click.option(
            "--header/--no-header", default=None, help="Whether the first row names the columns; found out when absent."
        ),
        click.option(
            "--errors",
            type=click.Path(dir_okay=False, path_type=Path),
            help="Write the rows that are left out to this file.",
        ),
        workspace_option,
        _as_option,
    ):
        function = option(function)
    return function


def _as_option(function: Any) -> Any:
    return click.option(
        "--as", "as_email", metavar="EMAIL", help="Whose import it is; by default the first administrator's."
    )(function)


async def _who(process: Process, options: dict[str, Any]) -> tuple[Workspace, Actor]:
    """The workspace, and the user in whose name the import is done."""
    workspace = await chosen_workspace(process, options["slug"])
    if options["as_email"]:
        member = await process.users.by_email(workspace, options["as_email"])
    else:
        everybody = [
            one for one in await process.users.list(workspace) if one.disabled_at is None and "admin" in one.roles
        ]
        if not everybody:
            return workspace, Actor(None, "Command line", ("admin",), "import")
        member = min(everybody, key=lambda one: one.created_at)
    return workspace, Actor(member.id, member.name, member.roles, "import", member.teams)


async def _open(file: Path, options: dict[str, Any]) -> tuple[Table, Mapping]:
    given: dict[str, Any] = {}
    if options["mapping_file"] is not None:
        given = await asyncio.to_thread(bundles.read_json, options["mapping_file"])
    given.setdefault("columns", {})
    given["columns"] |= {column: target or None for column, target in _pairs(options["columns"], "--map")}
    if options["constants"]:
        given["constants"] = {**given.get("constants", {}), **dict(_pairs(options["constants"], "--set"))}
    if options["match"]:
        given["match"] = list(options["match"])
    for key in ("source", "existing", "missing", "unresolved", "empty", "ragged", "rest", "region", "currency"):
        if options[key]:
            given[key] = options[key]
    mapping, problems = read_mapping(given)
    if problems:
        raise Invalid(problems)
    delimiter = {"tab": "\t", "\\t": "\t"}.get(options["delimiter"] or "", options["delimiter"])
    opened = await asyncio.to_thread(
        partial(open_table, file, encoding=options["encoding"], delimiter=delimiter, header=options["header"])
    )
    return opened, mapping


def _pairs(given: tuple[str, ...], option: str) -> list[tuple[str, str]]:
    found = []
    for text in given:
        left, mark, right = text.rpartition("=")
        if not mark or not left.strip():
            raise Invalid(Problem("option", "", f"{option} {text!r} has no = in it.", f"Such as {option} Mail=email."))
        found.append((left.strip(), right.strip()))
    return found


async def _work(context: Context, options: dict[str, Any], opened: Table, work: Any, name: str) -> Outcome:
    """Do the work with a progress bar, writing rows that are left out to a file if one was named."""
    with ExitStack() as stack:
        progress = stack.enter_context(Progress("Importing", quiet=context.as_json))
        each = None
        if options["errors"] is not None:
            stream = stack.enter_context(
                options["errors"].open("w", encoding="utf-8-sig", newline="", errors="replace")
            )
            file = ErrorFile(stream, opened.columns)

            def each(part: Outcome) -> None:
                file.add(part.rows)

        found: Outcome = await work(progress=partial(progress.step, name), each=each)
    return found


def _result(context: Context, outcome: Outcome, more: dict[str, Any], would: str) -> None:
    counts = outcome.counts
    parts = [f"{counts['created']} {would}created", f"{counts['updated']} {would}updated"]
    parts += [
        f"{counts[key]} {word}" for key, word in (("unchanged", "unchanged"), ("skipped", "skipped")) if counts[key]
    ]
    parts += [f"{counts['left_out']} left out"] if counts["left_out"] else []
    parts += [f"{counts['warnings']} warnings"] if counts["warnings"] else []
    lines = [f"{counts['rows']} rows: {', '.join(parts)}.", *_sentences(outcome)]
    context.result({**more, **outcome.as_json()}, "\n".join(lines))


def _sentences(outcome: Outcome) -> list[str]:
    rows = [*outcome.rows, *outcome.warned]
    lines = [f"  {sentence(row.line.number, as_dict(problem))}" for row in rows[:_SHOWN] for problem in row.problems]
    hidden = outcome.counts["left_out"] + outcome.counts["warnings"] - min(len(rows), _SHOWN)
    return [*lines, f"  … and {hidden} more rows."] if hidden > 0 else lines


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        hint = "`xrm import list` shows them."
        raise NotFound(Problem("not_found", "", f"There is no import {text[:60]!r}.", hint)) from None
