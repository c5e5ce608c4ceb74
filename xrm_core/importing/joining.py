"""A file with columns of other files beside its own: rows joined by a key, and those that fit nowhere reported."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from xrm_core.importing.outcome import Outcome
from xrm_core.importing.reader import Line, Table, open_table
from xrm_core.kernel.errors import Invalid
from xrm_core.kernel.problem import Problem, pointer

MOST_SIDE_ROWS = 2_000_000


@dataclass
class Side:
    """One joined file: its rows by key, and which keys were asked for."""

    name: str
    table: Table
    own: str
    """The column of this file that holds the key."""
    other: str
    """The column of the main file that it equals."""
    take: str = "first"
    rows: dict[str, list[Line]] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)

    @property
    def columns(self) -> list[str]:
        """What its columns are called in the main file."""
        return [f"{self.name}.{column}" for column in self.table.columns]

    def load(self, where: dict[str, str]) -> None:
        """Read the rows that meet the condition."""
        columns = self.table.columns
        at = columns.index(self.own)
        wanted = [(columns.index(name), text) for name, text in where.items()]
        count = 0
        for line in self.table.lines():
            if line.problem is None and all(line.cells[index].strip() == text for index, text in wanted):
                self.rows.setdefault(line.cells[at].strip(), []).append(line)
                count += 1
                if count > MOST_SIDE_ROWS:
                    raise Invalid(Problem("too_many", "", f"{self.name}: at most {MOST_SIDE_ROWS} rows can be joined."))

    def cells(self, key: str) -> list[str]:
        """The cells to put beside a row with this key."""
        found = self.rows.get(key)
        if not found:
            return [""] * len(self.table.columns)
        self.used.add(key)
        if self.take == "first":
            return found[0].cells[: len(self.table.columns)]
        if self.take == "last":
            return found[-1].cells[: len(self.table.columns)]
        return ["|".join(cell for cell in column if cell.strip()) for column in zip(*(one.cells for one in found), strict=False)]

    def unused(self, main: str) -> Outcome:
        """The rows that fit no row of the main file."""
        outcome = Outcome()
        for key, lines in self.rows.items():
            outcome.counts["rows"] += len(lines)
            if key not in self.used:
                problem = Problem(
                    "unresolved", pointer("columns", self.own), f"No row of {main} has the {self.other} {key[:80]!r}.",
                    "Check that both files come from the same export.",
                )  # fmt: skip
                for line in lines:
                    outcome.note(line, [problem], left_out=True)
        return outcome


@dataclass(frozen=True)
class Joined(Table):
    """The main file with the columns of its side files."""

    main: Table | None = None
    sides: tuple[Side, ...] = ()
    copies: tuple[int, ...] = ()
    """Columns of the main file that come once more at the end, to go to a second place."""

    def lines(self, after: int = 0) -> Iterator[Line]:
        assert self.main is not None
        width = len(self.main.columns)
        places = [(side, self.main.columns.index(side.other)) for side in self.sides]
        for line in self.main.lines(after):
            own = line.cells
            beside = [cell for side, at in places for cell in side.cells(own[at].strip())]
            yield Line(line.number, [*own[:width], *beside, *(own[index] for index in self.copies)], line.problem)


def join(main: Table, sides: Sequence[Side], copies: dict[str, str]) -> Table:
    """The main file with the columns `side.column` of others, and with copies of columns under new names."""
    if not sides and not copies:
        return main
    again = tuple(main.columns.index(column) for column in copies.values())
    columns = [*main.columns, *(column for side in sides for column in side.columns), *copies]
    samples = (
        *main.samples, *(sample for side in sides for sample in side.table.samples), *(main.samples[index] for index in again),
    )  # fmt: skip
    plain = {key: value for key, value in vars(replace(main)).items() if key not in ("columns", "samples")}
    return Joined(**plain, columns=tuple(columns), samples=samples, main=main, sides=tuple(sides), copies=again)


def table_of_rows(rows: Sequence[dict[str, Any]]) -> Table:
    """Rows that are written in the bundle itself, as a file."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    for row in rows:
        writer.writerow(["" if row.get(key) is None else str(row[key]) for key in columns])
    return open_table(text.getvalue().encode(), encoding="utf-8", delimiter=",", header=True)
