"""Reads the files of the recruiting pack for the tests."""

from __future__ import annotations

import csv
import json
import re
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from xrm_core.definitions.collection import DefinitionSet
from xrm_core.definitions.module import Module
from xrm_core.definitions.reading import read
from xrm_core.definitions.role import Role

PACK = Path(__file__).parents[2] / "module_packs" / "recruiting"
TODAY = date(2026, 3, 31)
RELATIVE = re.compile(r"today(?P<days>[+-]\d+)?(?P<time>T\d\d:\d\d)?")


@cache
def module_files() -> dict[str, dict[str, Any]]:
    """The module definitions as plain JSON, by file name."""
    return {
        path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted((PACK / "modules").glob("*.json"))
    }


@cache
def definitions() -> DefinitionSet:
    """Modules and roles of the pack."""
    modules = tuple(read(Module, data, name) for name, data in module_files().items())
    roles = tuple(
        read(Role, json.loads(path.read_text(encoding="utf-8")), path.stem)
        for path in sorted((PACK / "roles").glob("*.json"))
    )
    return DefinitionSet(modules=modules, roles=roles)


@cache
def sample() -> dict[str, list[dict[str, str]]]:
    """The sample files by name; empty cells are left out."""
    found = {}
    for path in sorted((PACK / "sample_data").glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            found[path.stem] = [{name: cell for name, cell in row.items() if cell} for row in csv.DictReader(file)]
    return found


def offset(cell: str) -> int:
    """How many days from today a relative day or time lies."""
    found = RELATIVE.fullmatch(cell)
    assert found is not None, cell
    return int(found["days"] or 0)


def absolute(cell: str) -> str:
    """A cell with its relative day written out."""
    found = RELATIVE.fullmatch(cell)
    return (
        cell if found is None else (TODAY + timedelta(days=int(found["days"] or 0))).isoformat() + (found["time"] or "")
    )
