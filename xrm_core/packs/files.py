"""The files of a pack: read within limits, or every problem with its file and place."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xrm_core.kernel.problem import Problem

MOST_FILES = 5_000
LARGEST_JSON = 4_000_000
LARGEST_FILE = 50_000_000
LARGEST_PACK = 200_000_000
DEEPEST = 40


@dataclass(frozen=True, slots=True)
class PackFile:
    """One file; `path` is relative to the pack, with forward slashes."""

    path: str
    absolute: Path
    size: int

    @property
    def folder(self) -> str:
        return self.path.rsplit("/", 1)[0] if "/" in self.path else ""

    @property
    def stem(self) -> str:
        return self.path.rsplit("/", 1)[-1].split(".")[0]


def place(file: str, pointer: str = "") -> str:
    """How a problem names its place: `modules/orders.json#/fields/3/type`."""
    return f"{file}#{pointer}" if pointer else file


def find_files(root: Path) -> tuple[list[PackFile], list[Problem]]:
    """All files below a folder in a fixed order; links, odd names and too much of anything are problems."""
    found: list[PackFile] = []
    problems: list[Problem] = []
    total = 0
    for absolute in sorted(root.rglob("*")):
        path = absolute.relative_to(root).as_posix()
        if any(part.startswith((".", "__pycache__")) for part in path.split("/")):
            continue
        if absolute.is_symlink():
            problems.append(Problem("link", path, "A pack cannot hold symbolic links.", "Put the file itself there."))
        elif absolute.is_file():
            size = absolute.stat().st_size
            total += size
            if size > LARGEST_FILE:
                problems.append(
                    Problem("too_large", path, f"The file has {size} bytes, at most {LARGEST_FILE} are allowed.")
                )
            found.append(PackFile(path, absolute, size))
        if len(found) > MOST_FILES:
            return [], [Problem("too_many", "", f"A pack has at most {MOST_FILES} files.")]
    if total > LARGEST_PACK:
        problems.append(Problem("too_large", "", f"The pack has {total} bytes, at most {LARGEST_PACK} are allowed."))
    return found, problems


def read_json(file: PackFile) -> tuple[Any, list[Problem]]:
    """The value in a JSON file; no duplicate keys, no NaN, not too deep."""
    if file.size > LARGEST_JSON:
        return None, [
            Problem("too_large", file.path, f"The file has {file.size} bytes, at most {LARGEST_JSON} are allowed.")
        ]
    try:
        text = file.absolute.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return None, [
            Problem(
                "encoding", file.path, f"The file is not UTF-8: byte {error.start} cannot be read.", "Save it as UTF-8."
            )
        ]
    try:
        value = json.loads(text, object_pairs_hook=_pairs, parse_constant=_constant)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        return None, [Problem("json", file.path, f"{where}: {error.msg}.", "Check commas, quotes and brackets there.")]
    except _Refused as refused:
        return None, [Problem("json", file.path, str(refused))]
    except RecursionError:
        return None, [Problem("too_deep", file.path, "The file is nested too deeply.")]
    if _depth(value) > DEEPEST:
        return None, [Problem("too_deep", file.path, f"The file is nested more than {DEEPEST} deep.")]
    return value, []


class _Refused(ValueError):
    pass


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise _Refused(f"The key '{key}' stands twice in one object.")
        found[key] = value
    return found


def _constant(text: str) -> Any:
    raise _Refused(f"{text} is not a JSON number.")


def _depth(value: Any) -> int:
    level, deep = [value], 0
    while level and deep <= DEEPEST:
        deep += 1
        level = [
            child
            for item in level
            if isinstance(item, (dict, list))
            for child in (item.values() if isinstance(item, dict) else item)
        ]
    return deep
