"""The files of a pack's sample data: read as text, dates made absolute, keys made ids."""

from __future__ import annotations

import csv
import hashlib
import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

from xrm_core.kernel.errors import Invalid
from xrm_core.kernel.problem import Problem
from xrm_core.packs.layout import DATA_FOLDER, PackContents
from xrm_core.storage.model import CompiledModule

USERS = "users"
_RELATIVE = re.compile(r"today(?P<days>[+-]\d{1,5})?(?:T(?P<hour>[01]\d|2[0-3]):(?P<minute>[0-5]\d))?")


@dataclass
class SampleRow:
    """One record as its line says it; empty cells are left out."""

    file: str
    line: int
    key: str
    id: UUID
    cells: dict[str, str]
    later: list[str] = field(default_factory=list)
    """Links that wait until their targets are there."""

    def problem(self, module: str, column: str, message: str, hint: str = "") -> Problem:
        """A problem with the place in the file."""
        return Problem("sample", f"{self.file}:{self.line} {column}".strip(), f"{message} ({module} {self.key})", hint)


@dataclass
class SampleUser:
    """A user that sample records belong to."""

    key: str
    name: str
    email: str
    roles: tuple[str, ...]
    id: UUID = UUID(int=0)


@dataclass
class Sample:
    """Everything that is to be loaded."""

    rows: dict[str, list[SampleRow]] = field(default_factory=dict)
    places: dict[str, tuple[str, UUID]] = field(default_factory=dict)
    """Module and id of every key."""
    by_key: dict[str, SampleRow] = field(default_factory=dict)
    users: list[SampleUser] = field(default_factory=list)
    begun: datetime = datetime.max.replace(tzinfo=UTC)
    """When a record was made of which nothing says it."""

    def made_at(self, module: CompiledModule, row: SampleRow) -> datetime:
        """When a record was made: as its line says, else when the record that owns it was."""
        found = instant_of(row.cells, "created_at")
        owner = module.owner_link
        parent = self.by_key.get(row.cells.get(owner.name, "")) if owner is not None else None
        if found is None and parent is not None:
            found = instant_of(parent.cells, "created_at")
        return found or self.begun

    def author(self, row: SampleRow) -> dict[str, str | None] | None:
        """Who made a record: its owner, as far as it names one."""
        for user in self.users:
            if user.key == row.cells.get("owner"):
                return {"id": str(user.id), "name": user.name, "kind": "human"}
        return None

    def user(self, key: str) -> UUID:
        """The id of a user by key; raises Invalid."""
        for user in self.users:
            if user.key == key:
                return user.id
        raise Invalid(Problem("sample", f"{DATA_FOLDER}/{USERS}.csv", f"There is no user with the key {key!r}."))


def read_sample(contents: PackContents, salt: UUID, zone: str, anchor: date) -> Sample:
    """The sample data of a pack, as of a day; raises Invalid with every problem of the files."""
    found = Sample()
    problems: list[Problem] = []
    for name, path in sorted(contents.sample_data.items()):
        file = f"{DATA_FOLDER}/{path.name}"
        for line, cells in _lines(path):
            if not cells.get("key"):
                problems.append(Problem("sample", f"{file}:{line}", "The line has no key."))
            elif name == USERS:
                found.users.append(
                    SampleUser(
                        cells["key"],
                        cells.get("name", ""),
                        cells.get("email", ""),
                        tuple(cells.get("roles", "").split("|")),
                    )
                )
            elif cells["key"] in found.places:
                problems.append(Problem("sample", f"{file}:{line}", f"The key {cells['key']!r} stands twice."))
            else:
                cells = {column: plain(cell, anchor, zone) for column, cell in cells.items()}
                made = instant_of(cells, "created_at") or datetime.combine(anchor, time(), UTC)
                identity = _identity(made, f"{salt}/{contents.name}/{name}/{cells['key']}")
                found.places[cells["key"]] = (name, identity)
                row = found.by_key[cells["key"]] = SampleRow(file, line, cells["key"], identity, cells)
                found.rows.setdefault(name, []).append(row)
    if problems:
        raise Invalid(problems)
    return found


def plain(cell: str, anchor: date, zone: str) -> str:
    """A cell with its relative day or time made absolute: `today-45`, `today+10T09:30`."""
    match = _RELATIVE.fullmatch(cell)
    if match is None:
        return cell
    day = anchor + timedelta(days=int(match["days"] or 0))
    if match["hour"] is None:
        return day.isoformat()
    at = datetime.combine(day, time(int(match["hour"]), int(match["minute"])), ZoneInfo(zone))
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def instant_of(cells: dict[str, str], column: str) -> datetime | None:
    """The moment in a cell that is one."""
    cell = cells.get(column)
    if not cell:
        return None
    at = datetime.fromisoformat(cell)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _identity(made: datetime, name: str) -> UUID:
    """A UUID of version 7 whose time is when the record was made and whose rest follows from its name."""
    rest = int.from_bytes(hashlib.sha256(name.encode()).digest()[:10], "big")
    milliseconds = int(made.timestamp() * 1000)
    return UUID(int=milliseconds << 80 | 0x7 << 76 | (rest >> 62 & 0xFFF) << 64 | 0b10 << 62 | rest & (1 << 62) - 1)


def _lines(path: Path) -> list[tuple[int, dict[str, str]]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        return [
            (
                reader.line_num,
                {column: cell.strip() for column, cell in row.items() if column and cell and cell.strip()},
            )
            for row in reader
        ]
