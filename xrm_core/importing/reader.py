"""Reading delimited files of any common encoding and dialect, row by row, whatever their size."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from xrm_core.importing import encodings
from xrm_core.importing.dialect import Dialect, find_dialect, read_sample
from xrm_core.kernel.errors import Invalid
from xrm_core.kernel.problem import Problem

SAMPLE_CHARACTERS = 200_000
SHOWN_ROWS = 5
MOST_COLUMNS = 1_000
_SURROGATE = re.compile("[\ud800-\udfff]")

Source = Path | bytes


@dataclass(slots=True)
class Line:
    """One row of a file; `number` counts records from 1 with the header, as a spreadsheet shows them."""

    number: int
    cells: list[str]
    problem: Problem | None = None


@dataclass(frozen=True)
class Table:
    """A delimited file, opened for reading: what its columns are called and how it is written."""

    source: Source
    encoding: str
    dialect: Dialect
    columns: tuple[str, ...]
    """Unique names; blank headers get the number of their column."""
    samples: tuple[tuple[str, ...], ...]
    """A few values of each column."""
    estimate: int
    """About how many rows there are."""
    notes: list[Problem] = field(default_factory=list)
    """What was noticed while opening; nothing here stops an import."""

    def lines(self, after: int = 0) -> Iterator[Line]:
        """The rows that are not blank, beginning after record number `after`; ragged rows come with their problem."""
        with _text(self.source, self.encoding) as stream:
            reader = self.dialect.read(stream)
            first = self.dialect.skip + (1 if self.dialect.header else 0)
            width = len(self.columns)
            number = 0
            check = self.encoding.startswith("utf-8")
            try:
                for cells in reader:
                    number += 1
                    if number <= first or number <= after:
                        continue
                    problem = None
                    if len(cells) != width:
                        if not any(cells):
                            continue
                        problem = _ragged(cells, width, number)
                    elif not any(cells):
                        continue
                    if check and any(not cell.isascii() and _SURROGATE.search(cell) for cell in cells):
                        problem = Problem(
                            "encoding", "", f"Row {number} holds bytes that are not UTF-8.", "Save the file as UTF-8."
                        )
                        cells = [_SURROGATE.sub("\ufffd", cell) for cell in cells]
                    elif not "".join(cells).strip():
                        continue
                    yield Line(number, cells, problem)
            except csv.Error as error:
                message = f"The file cannot be read from line {reader.line_num} on: {error}."
                yield Line(number + 1, [""] * width, Problem("csv", "", message, "Look for a quote that is not closed."))

    def described(self) -> dict[str, object]:
        """How the file was read, for people and machines."""
        return {
            "encoding": self.encoding,
            "delimiter": self.dialect.delimiter,
            "header": self.dialect.header,
            "rows": self.estimate,
        }


def open_table(
    source: Source, *, encoding: str | None = None, delimiter: str | None = None, header: bool | None = None
) -> Table:
    """Find out how a file is written; raises Invalid when there is nothing in it, or an option cannot be."""
    problems = _check_options(encoding, delimiter)
    if problems:
        raise Invalid(problems)
    with _binary(source) as stream:
        found = encodings.find_encoding(stream)
    name = (encodings.known(encoding) if encoding else None) or found.name
    notes: list[Problem] = []
    if not encoding and not found.certain:
        message = f"The encoding is not said in the file; it was read as {name}."
        notes.append(Problem("encoding_guessed", "", message, "If letters look wrong, name the encoding."))
    with _text(source, name) as text:
        beginning = text.read(SAMPLE_CHARACTERS)
        whole = len(beginning) < SAMPLE_CHARACTERS
    if not beginning.strip():
        raise Invalid(Problem("empty", "", "The file is empty.", "Its first line names the columns."))
    dialect = find_dialect(beginning, delimiter=delimiter, header=header, whole=whole)
    rows = read_sample(beginning, dialect, whole)[dialect.skip :]
    first = rows[0] if rows else []
    if len(first) > MOST_COLUMNS:
        raise Invalid(Problem("too_many", "", f"At most {MOST_COLUMNS} columns; this file has {len(first)}."))
    if dialect.header:
        columns, found_notes = _names(first)
        notes += found_notes
        rows = rows[1:]
    else:
        columns = tuple(f"Column {index}" for index in range(1, dialect.width + 1))
        message = "The first row looks like data, so the columns are numbered."
        notes.append(Problem("no_header", "", message, "Say that there is a header if there is one."))
    samples = tuple(
        tuple(list(dict.fromkeys(row[index][:200] for row in rows if index < len(row) and row[index].strip()))[:SHOWN_ROWS])
        for index in range(len(columns))
    )
    lines = max(found.breaks, beginning.count("\n") or beginning.count("\r"))
    estimate = sum(1 for row in rows if any(cell.strip() for cell in row)) if whole else max(lines - 1 - dialect.skip, 1)
    if whole and len(rows) > 150:
        estimate = max(lines - dialect.skip - (1 if dialect.header else 0), 1)
    return Table(source, name, dialect, columns, samples, estimate, notes)


def _check_options(encoding: str | None, delimiter: str | None) -> list[Problem]:
    problems = []
    if encoding and encodings.known(encoding) is None:
        problems.append(
            Problem("encoding", "/encoding", f"There is no encoding {encoding[:40]!r}.", "Such as utf-8 or cp1252.")
        )
    if delimiter is not None and (len(delimiter) != 1 or delimiter in '"\r\n\0 ' or ord(delimiter) > 0xFFFF):
        problems.append(Problem("delimiter", "/delimiter", "A delimiter is one character.", "Such as , ; | or a tab."))
    return problems


def _names(first: list[str]) -> tuple[tuple[str, ...], list[Problem]]:
    names: list[str] = []
    notes: list[Problem] = []
    for index, raw in enumerate(first, 1):
        cell = " ".join(_SURROGATE.sub("\ufffd", raw).replace("\0", " ").split())[:200].strip("\ufeff ")
        name = cell or f"Column {index}"
        if not cell:
            notes.append(Problem("blank_header", "", f"Column {index} has no header; it is called {name!r}."))
        if name in names:
            count = 2
            while f"{name} ({count})" in names:
                count += 1
            name = f"{name} ({count})"
            notes.append(Problem("duplicate_header", "", f"Two columns are called {cell!r}; column {index} is {name!r}."))
        names.append(name)
    return tuple(names), notes


def _ragged(cells: list[str], width: int, number: int) -> Problem | None:
    if len(cells) > width and not any(cell.strip() for cell in cells[width:]):
        del cells[width:]
        return None
    found = Problem(
        "columns", "", f"Row {number} has {len(cells)} cells, the header has {width}.", "Quote cells that hold delimiters."
    )
    if len(cells) < width:
        cells += [""] * (width - len(cells))
    return found


def _binary(source: Source) -> BinaryIO:
    return io.BytesIO(source) if isinstance(source, bytes) else source.open("rb")


def _text(source: Source, encoding: str) -> io.TextIOWrapper:
    return io.TextIOWrapper(_binary(source), encoding=encoding, errors=encodings.errors_for(encoding), newline="")
