"""Telling how a delimited file is written: its delimiter, quotes, lines before the header, and whether it has one."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

DELIMITERS = (",", ";", "\t", "|")
_SAMPLE_ROWS = 200
_NUMBER = re.compile(r"[+-]?[\d.,' ]*\d[\d.,' ]*%?")
_YEAR = re.compile(r"(19|20)\d\d")
_TYPED = re.compile(r"\S+@\S+\.\S+|https?://\S+|\d{4}-\d\d-\d\d.*|\d{1,2}[./]\d{1,2}[./]\d{2,4}.*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a file is written; `skip` records stand before the header (or the first row)."""

    delimiter: str = ","
    escape: str | None = None
    spaced: bool = False
    header: bool = True
    skip: int = 0
    width: int = 1

    def read(self, lines: Iterable[str]) -> Any:
        """A reader of records over lines that keep their ends; `line_num` is the line it has come to."""
        return csv.reader(
            lines,
            delimiter=self.delimiter,
            quotechar='"',
            doublequote=True,
            escapechar=self.escape,
            skipinitialspace=self.spaced,
            strict=False,
        )


def find_dialect(text: str, *, delimiter: str | None = None, header: bool | None = None, whole: bool = True) -> Dialect:
    """The dialect of the text at a file's beginning; `whole` if the text is all of the file."""
    declared = re.match(r"\ufeff?\"?sep=(.)\"?\r?\n", text, re.IGNORECASE)
    escape = "\\" if _escapes(text, DELIMITERS if delimiter is None else (delimiter,)) else None
    if delimiter is None and declared is not None:
        delimiter = declared[1]
    marks = DELIMITERS if delimiter is None else (delimiter,)
    best: tuple[tuple[float, float], Dialect] | None = None
    for mark in marks:
        plain = Dialect(mark, escape, _spaced(text, mark))
        rows = read_sample(text, plain, whole)
        score, width = _consistency(rows)
        if best is None or score > best[0]:
            best = (score, Dialect(mark, escape, plain.spaced, True, 0, width))
    assert best is not None
    found = best[1]
    rows = read_sample(text, found, whole)
    skip = _before(rows, found.width, declared is not None)
    has_header = header if header is not None else not _headless(rows[skip:])
    width = max(found.width, len(rows[skip]) if has_header and skip < len(rows) else 1)
    return Dialect(found.delimiter, escape, found.spaced, has_header, skip, width)


def read_sample(text: str, dialect: Dialect, whole: bool) -> list[list[str]]:
    """The records at the beginning of a text; the last one only if the text is complete."""
    rows: list[list[str]] = []
    try:
        for row in dialect.read(io.StringIO(text, newline="")):
            rows.append(row)
            if len(rows) > _SAMPLE_ROWS:
                break
    except csv.Error:
        pass
    return rows if whole or len(rows) > _SAMPLE_ROWS else rows[:-1] or rows


def _consistency(rows: Sequence[Sequence[str]]) -> tuple[tuple[float, float], int]:
    """((share of rows that are as wide as most, width), width); a delimiter that never occurs is last."""
    widths = [len(row) for row in rows if any(cell.strip() for cell in row)]
    if not widths:
        return (0.0, 0.0), 1
    wide = Counter(width for width in widths if width > 1)
    if not wide:
        return (0.0, 0.0), 1
    # With equal counts the first row's width decides: it is the header's.
    width, count = max(wide.items(), key=lambda item: (item[1], item[0] == widths[0], item[0]))
    share = count / len(widths)
    if 1 < widths[0] != width and wide[widths[0]] * 3 >= count:
        width = widths[0]
    header = next((value for value in widths[:5] if value > 1), 1)
    return (round(share * (1.0 if header == width else 0.6), 2), float(width)), width


def _before(rows: Sequence[Sequence[str]], width: int, declared: bool) -> int:
    """How many records stand before the header: blank ones, titles, comments, the line `sep=;`."""
    start = 1 if declared else 0
    for index in range(start, min(len(rows), 30)):
        row = rows[index]
        filled = sum(1 for cell in row if cell.strip())
        if not filled or (row[0].lstrip().startswith("#") and filled == 1 and width > 1):
            continue
        if width > 1 and filled == 1 and len(row) < width and any(len(later) >= width for later in rows[index + 1 : index + 4]):
            continue
        return index
    return start


def _headless(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row looks like data: it has numbers or addresses where the rows below have them too."""
    if not rows:
        return False
    first, rest = rows[0], rows[1:30]
    typed = [index for index, cell in enumerate(first) if _kind(cell) is not None]
    if len(typed) < len(first) and all(_YEAR.fullmatch(first[index].strip()) for index in typed):
        return False  # years over columns
    if not typed:
        return False
    if not rest:
        return len(typed) == sum(1 for cell in first if cell.strip())
    for index in typed:
        below = [_kind(row[index]) for row in rest if index < len(row) and row[index].strip()]
        if not below or sum(1 for kind in below if kind == _kind(first[index])) < 0.8 * len(below):
            return False
    return True


def _kind(cell: str) -> str | None:
    cell = cell.strip()
    if _NUMBER.fullmatch(cell):
        return "number"
    return "typed" if _TYPED.fullmatch(cell) else None


def _spaced(text: str, mark: str) -> bool:
    quoted, spaced = text.count(f'{mark}"'), text.count(f'{mark} "')
    return spaced > quoted


def _escapes(text: str, marks: Sequence[str]) -> bool:
    """Whether quotes inside of quotes are written as a backslash and a quote."""
    ends = {*marks, "\n", "\r", ""}
    found = 0
    at = text.find('\\"')
    while at >= 0 and found < 3:
        after = text[at + 2 : at + 3]
        if after not in ends and after != '"':
            found += 1
        at = text.find('\\"', at + 2)
    return found > 0 and text.count('\\"') >= found
