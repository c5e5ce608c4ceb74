"""What an import did or would do: counts, and the rows that have problems, with a file of them for people to mend."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TextIO

from xrm_core.importing.reader import Line
from xrm_core.kernel.problem import Problem, pointer
from xrm_core.storage.imports import StoredRow

KEPT_ROWS = 1_000
KEPT_WARNINGS = 20
COUNTS = ("rows", "created", "updated", "unchanged", "skipped", "left_out", "warnings")


@dataclass(slots=True)
class RowReport:
    """A row with problems; `left_out` unless it was imported all the same."""

    line: Line
    problems: list[Problem]
    left_out: bool

    def stored(self) -> StoredRow:
        """The row as it is kept."""
        return StoredRow(
            self.line.number, self.left_out, [as_dict(problem) for problem in self.problems], self.line.cells
        )


def as_dict(problem: Problem) -> dict[str, str]:
    """A problem of a row: the column stands beside the path."""
    found = problem.as_dict()
    if problem.path.startswith("/columns/"):
        found["column"] = problem.path.split("/")[2].replace("~1", "/").replace("~0", "~")
    return found


def sentence(number: int, found: dict[str, str]) -> str:
    """One line for people: `row 17, Mail: This is no address. Write it like …`."""
    place = f"row {number}" + (f", {found['column']}" if "column" in found else found["path"] and f", {found['path'].strip('/')}")
    return " ".join(f"{place}: {found['message']} {found.get('hint', '')}".split())


def with_column(problem: Problem, column_of: dict[str, str]) -> Problem:
    """A problem of the engine with the column that the value came from."""
    name = problem.path.split("/")[1] if problem.path.startswith("/") else ""
    column = column_of.get("stage_reason" if name == "reason" else name)
    if column is None:
        return problem
    return Problem(problem.code, pointer("columns", column), problem.message, problem.hint)


@dataclass
class Outcome:
    """Counts of everything, and the first rows with problems."""

    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTS, 0))
    rows: list[RowReport] = field(default_factory=list)
    warned: list[RowReport] = field(default_factory=list)
    position: int = 0
    """The number of the last row that was dealt with."""

    def add(self, other: Outcome) -> None:
        """Take in what a part of the file did."""
        for key, count in other.counts.items():
            self.counts[key] = self.counts.get(key, 0) + count
        self.rows += other.rows[: max(KEPT_ROWS - len(self.rows), 0)]
        self.warned += other.warned[: max(KEPT_WARNINGS - len(self.warned), 0)]
        self.position = max(self.position, other.position)

    def note(self, line: Line, problems: Sequence[Problem], *, left_out: bool) -> None:
        """A row has problems."""
        self.rows.append(RowReport(line, list(problems), left_out))
        self.counts["left_out" if left_out else "warnings"] += 1

    def warn(self, line: Line, problems: Sequence[Problem], column_of: dict[str, str]) -> None:
        """A rule warns about a row that was imported; such a rule may warn about every row, so only a few are kept."""
        self.counts["warnings"] += 1
        if len(self.warned) < KEPT_WARNINGS:
            self.warned.append(RowReport(line, [with_column(problem, column_of) for problem in problems], False))

    def as_json(self, most: int = 100) -> dict[str, object]:
        """The outcome for machines."""
        shown = [
            {"row": one.line.number, "left_out": one.left_out, "problems": [as_dict(problem) for problem in one.problems]}
            for one in (*self.rows[:most], *self.warned)
        ]
        return {**self.counts, "problems": shown}


class ErrorFile:
    """A CSV file of the rows that were left out, as they were, with the reason in a last column."""

    def __init__(self, stream: TextIO, columns: Sequence[str]) -> None:
        self._writer = csv.writer(stream, lineterminator="\r\n")
        self._width = len(columns)
        self._writer.writerow([*map(safe_cell, columns), "row", "reason"])

    def add(self, rows: Iterable[RowReport | StoredRow]) -> None:
        """Write the rows that were left out."""
        for row in rows:
            stored = row.stored() if isinstance(row, RowReport) else row
            if stored.left_out:
                cells = [*stored.cells[: self._width], *[""] * (self._width - len(stored.cells))]
                self._writer.writerow([*cells, stored.number, safe_cell(reason(stored.problems))])


def reason(problems: Iterable[dict[str, str]]) -> str:
    """All problems of a row in one cell."""
    return "; ".join(
        (f"{found['column']}: " if "column" in found else "") + f"{found['message']} {found.get('hint', '')}".strip()
        for found in problems
    )


def safe_cell(text: str) -> str:
    """A text of ours that a spreadsheet does not take for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t") else text
