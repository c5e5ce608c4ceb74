"""Sample data: one CSV per module, whose columns are fields and links of the module."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from xrm_core.definitions.members import Directory
from xrm_core.definitions.module import Module
from xrm_core.definitions.names import did_you_mean
from xrm_core.kernel.problem import Problem
from xrm_core.packs.files import place
from xrm_core.packs.layout import DATA_FOLDER
from xrm_core.packs.rules.base import PackSubject

KEY = "key"
"""The column with a row's name inside the sample data; other files refer to it, it is not stored."""
USERS = "users"
"""The file with the people who own the sample records; they are members without a password."""
_USER_COLUMNS = ("key", "name", "email", "roles")
LONGEST_CELL = 200_000
_WRITABLE = frozenset({"owner", "created_at", "created_by", "stage", "stage_entered_at", "updated_at", "archived_at"})


def check(subject: PackSubject) -> Iterator[Problem]:
    """Problems of the headers and shapes of sample files; values are parsed when the data is loaded."""
    directory = Directory(subject.joined)
    modules = {module.name: module for module in subject.joined.modules}
    for name, path in subject.contents.sample_data.items():
        file = f"{DATA_FOLDER}/{name}.csv"
        if name == USERS and USERS not in modules:
            yield from _users(file, path)
            continue
        module = modules.get(name)
        if module is None:
            yield Problem("missing", file, f"There is no module '{name}'.", did_you_mean(name, modules))
            continue
        yield from _file(directory, module, file, path)


def _users(file: str, path: Path) -> Iterator[Problem]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            header = next(csv.reader(stream), [])
    except (UnicodeDecodeError, csv.Error) as error:
        yield Problem("csv", file, f"The file cannot be read: {error}.", "Save it as UTF-8 with commas.")
        return
    for column in _USER_COLUMNS:
        if column not in header:
            yield Problem(
                "missing",
                place(file, "/1"),
                f"The column '{column}' is missing.",
                f"Needed: {', '.join(_USER_COLUMNS)}.",
            )


def _file(directory: Directory, module: Module, file: str, path: Path) -> Iterator[Problem]:
    members = directory.of(module)
    keys: set[str] = set()
    try:
        csv.field_size_limit(LONGEST_CELL)
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.reader(stream, strict=True)
            header = next(reader, None)
            if not header:
                yield Problem("empty", file, "The file has no header.", "Its first line names the fields.")
                return
            for index, column in enumerate(header):
                member = members.get(column)
                where = place(file, f"/1/{index + 1}")
                if header.index(column) != index:
                    yield Problem("duplicate", where, f"The column '{column}' stands twice.", "Remove one.")
                elif column != KEY and member is None:
                    yield Problem(
                        "missing",
                        where,
                        f"{module.name} has no field or link '{column}'.",
                        did_you_mean(column, [*members, KEY]),
                    )
                elif member is not None and member.field is not None and member.field.computed:
                    yield Problem("computed", where, f"'{column}' is computed.", "Leave the column out.")
                elif member is not None and (
                    member.kind == "inverse" or (member.kind == "system" and column not in _WRITABLE)
                ):
                    yield Problem("not_writable", where, f"'{column}' cannot be given.", "Leave the column out.")
            at = header.index(KEY) if KEY in header else None
            for number, row in enumerate(reader, start=2):
                if len(row) != len(header):
                    yield Problem(
                        "columns",
                        place(file, f"/{number}"),
                        f"Line {number} has {len(row)} cells, the header has {len(header)}.",
                        "Quote cells that hold commas.",
                    )
                elif at is not None and row[at] in keys:
                    yield Problem(
                        "duplicate",
                        place(file, f"/{number}/{at + 1}"),
                        f"The key '{row[at]}' stands twice.",
                        "Keys are unique in a file.",
                    )
                elif at is not None:
                    keys.add(row[at])
    except UnicodeDecodeError as error:
        yield Problem(
            "encoding", file, f"The file is not UTF-8: byte {error.start} cannot be read.", "Save it as UTF-8."
        )
    except csv.Error as error:
        yield Problem("csv", file, f"The file cannot be read: {error}.", "Check quotes and line ends.")
