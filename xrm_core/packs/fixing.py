"""Mending what can be mended in a pack without asking: names of files, slips in settings, signs that do not belong in JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from xrm_core.kernel.problem import Problem
from xrm_core.packs.layout import DEFINITION_FOLDERS, MANIFEST
from xrm_core.packs.validate import check_folder

_ROUNDS = 5
_MEANT = re.compile(r"^Did you mean '([^']+)'\?$")
_SCHEMA = "$schema"


def fix(root: Path) -> list[str]:
    """Mend the files of a pack; what was done, one sentence each. What is left over, `check_folder` finds."""
    done: list[str] = []
    for file in _files(root):
        done += _plain(root, file)
    for _ in range(_ROUNDS):
        _, problems = check_folder(root)
        mended = [said for problem in problems for said in _mend(root, problem)]
        if not mended:
            break
        done += mended
    return done


def fixable(problem: Problem) -> bool:
    """Whether `fix` would mend it."""
    return problem.code == "file_name" or (problem.code == "unknown_key" and bool(_MEANT.match(problem.hint)))


def _files(root: Path) -> Iterator[Path]:
    yield root / MANIFEST
    for folder in DEFINITION_FOLDERS:
        yield from sorted((root / folder).glob("*.json"))


def _plain(root: Path, file: Path) -> Iterator[str]:
    """Byte order marks, line ends of other systems and commas behind the last member are taken out."""
    if file.is_symlink() or not file.is_file():
        return
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        return
    better = text.replace("\r\n", "\n")
    if not _reads(better):
        without = re.sub(r',(\s*[\]}])(?=(?:[^"\\]|\\.|"(?:[^"\\]|\\.)*")*$)', r"\1", better)
        better = without if _reads(without) else better
    if better.encode() != file.read_bytes() and _reads(better):
        file.write_text(better, encoding="utf-8")
        yield f"{file.relative_to(root).as_posix()}: written as plain UTF-8 JSON."


def _reads(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _mend(root: Path, problem: Problem) -> Iterator[str]:
    if not fixable(problem):
        return
    name, _, pointer = problem.path.partition("#")
    file = root / name
    if problem.code == "file_name":
        wanted = file.with_name(problem.hint.removeprefix("Rename it to ").removesuffix("."))
        if file.is_file() and not wanted.exists():
            file.rename(wanted)
            yield f"{name}: renamed to {wanted.name}."
        return
    meant = _MEANT.match(problem.hint)
    assert meant is not None
    data = json.loads(file.read_text(encoding="utf-8"))
    *steps, last = [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]
    here: Any = data
    for step in steps:
        here = here[int(step)] if isinstance(here, list) else here[step]
    if isinstance(here, dict) and last in here and meant[1] not in here:
        renamed = {meant[1] if key == last else key: value for key, value in here.items()}
        here.clear()
        here.update(renamed)
        file.write_text(json.dumps(data, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        yield f"{name}: {pointer} is now called {meant[1]}."
