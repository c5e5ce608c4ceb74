"""Pages with generated parts: `<!-- generated: name -->` begins one, `<!-- end -->` ends it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from xrm_core.kernel.problem import Problem

_PART = re.compile(
    r"(?P<begin>^<!-- generated: (?P<name>[a-z-]+) -->\n)(?P<old>.*?)(?P<end>^<!-- end -->$)", re.M | re.S
)
_MARK = re.compile(r"^<!-- (generated: .*|end) -->$", re.M)
Parts = Mapping[str, Callable[[], str]]


def pages(directory: Path) -> Iterator[Path]:
    """All Markdown pages below a directory, in order."""
    yield from sorted(directory.rglob("*.md"))


def filled(text: str, parts: Parts) -> tuple[str, list[str]]:
    """The page with its generated parts made anew, and the names of parts that nobody makes."""
    unknown: list[str] = []

    def replace(found: re.Match[str]) -> str:
        name = found["name"]
        if name not in parts:
            unknown.append(name)
            return found.group()
        return f"{found['begin']}\n{parts[name]().strip()}\n\n{found['end']}"

    return _PART.sub(replace, text), unknown


def compare(directory: Path, parts: Parts) -> tuple[dict[Path, str], list[Problem]]:
    """What stands differently in each page that is out of date, and what is wrong with the marks."""
    stale: dict[Path, str] = {}
    problems: list[Problem] = []
    used: set[str] = set()
    for path in pages(directory):
        text = path.read_text(encoding="utf-8")
        used |= {found["name"] for found in _PART.finditer(text)}
        if len(_MARK.findall(text)) != 2 * len(_PART.findall(text)):
            message = "A mark of a generated part has no partner."
            problems.append(Problem("marks", f"/{path}", message, "Write <!-- generated: name --> and <!-- end -->."))
        made, unknown = filled(text, parts)
        hint = f"There are {', '.join(sorted(parts))}."
        problems += [Problem("unknown_part", f"/{path}", f"Nothing makes the part '{name}'.", hint) for name in unknown]
        if made != text:
            stale[path] = made
    for name in sorted(set(parts) - used):
        message = f"No page shows the generated part '{name}'."
        problems.append(Problem("unused_part", f"/{directory}", message, f"Write <!-- generated: {name} -->."))
    return stale, problems


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell(one) for one in line) + " |" for line in lines)


def cell(text: str) -> str:
    """Text that does not break a table."""
    return " ".join(text.split()).replace("|", "\\|")
