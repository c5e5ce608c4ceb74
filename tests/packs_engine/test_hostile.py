"""Packs that mean harm or make no sense: refused with reasons when they are uploaded, and nothing is on the shelf."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.packs_life.family import fines, library
from xrm_core.kernel.errors import Invalid
from xrm_core.packs import shelf
from xrm_core.packs.archive import packed


def zipped(files: dict[str, Any]) -> bytes:
    return packed({name: one if isinstance(one, bytes) else json.dumps(one).encode() for name, one in files.items()})


def changed(**files: Any) -> bytes:
    return zipped({**library(), **{name.replace("__", "/") + ".json": one for name, one in files.items()}})


def books(**values: Any) -> dict[str, Any]:
    return {**library()["modules/books.json"], **values}


def field(**values: Any) -> dict[str, Any]:
    found = books()
    found["fields"] = [*found["fields"], {"name": "odd", "label": "Odd", **values}]
    return found


LOOP = [
    {"name": "one", "type": "formula", "label": "One", "formula": "two + 1"},
    {"name": "two", "type": "formula", "label": "Two", "formula": "one + 1"},
]
DEEP = "[" * 100_000 + "]" * 100_000
HOSTILE = {
    "formulas in a circle": (changed(modules__books={**books(), "fields": [*books()["fields"], *LOOP]}), "cycle"),
    "a title with a statement": (changed(modules__books=books(title="{% for x in range(10) %}{{ x }}{% endfor %}")), ""),
    "a title that reaches for Python": (changed(modules__books=books(title="{{ name.__class__.__mro__ }}")), ""),
    "a title that calls": (changed(modules__books=books(title="{{ __import__('os').system('true') }}")), ""),
    "a formula without end": (changed(modules__books=field(type="formula", formula="(" * 5_000 + "1" + ")" * 5_000)), ""),
    "a pattern that never ends": (changed(modules__books=field(type="text", pattern="^(a+)+$")), ""),
    "bytes that are no text": (changed(modules__books=b'{"name": "\xff\xfe"}'), "encoding"),
    "half of a character": (changed(modules__books=b'{"name": "\\ud800"}'), ""),
    "a file nested without end": (changed(modules__books=DEEP.encode()), ""),
    "two values for one key": (changed(modules__books=b'{"name": "books", "name": "cooks"}'), "json"),
    "a wrong shape": (changed(modules__books={"name": "books", "fields": "many"}), ""),
    "no object at all": (changed(modules__books=b'"books"'), "type"),
    "an unknown kind of field": (changed(modules__books=field(type="script")), "unknown_type"),
    "a pack that requires itself": (changed(pack={**library()["pack.json"], "requires": {"library": ">=1"}}), "cycle"),
    "a program": (zipped({**library(), "modules/run.py": b"import os"}), "unknown_file"),
    "a program at the top": (zipped({**library(), "setup.py": b"import os"}), "unknown_file"),
}  # fmt: skip


@pytest.mark.parametrize("what", HOSTILE)
def test_it_is_refused_and_nothing_is_left(what: str, tmp_path: Path) -> None:
    data, code = HOSTILE[what]
    with pytest.raises(Invalid) as refused:
        shelf.shelve(tmp_path / "shelf", data)
    problems = refused.value.problems
    assert problems and all(one.message for one in problems)
    assert not code or code in {one.code for one in problems}, problems
    assert list((tmp_path / "shelf").iterdir()) == []


def test_packs_that_require_each_other_in_a_circle(tmp_path: Path) -> None:
    third = {"pack.json": {"name": "third", "version": "1.0.0", "label": "Third", "requires": {"fines": ">=1"}}}
    shelf.shelve(tmp_path, zipped(library()))
    shelf.shelve(tmp_path, zipped(fines()))
    shelf.shelve(tmp_path, zipped(third))
    again = {**library(), "pack.json": {**library()["pack.json"], "requires": {"third": ">=1"}}}
    with pytest.raises(Invalid) as refused:
        shelf.shelve(tmp_path, zipped(again))
    (problem,) = refused.value.problems
    assert problem.code == "cycle"
    assert problem.message == "library requires third requires fines requires library: none could be installed first."
    assert shelf.contents([tmp_path], "library").manifest.requires == {}, "what was there before is there still"
