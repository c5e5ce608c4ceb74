"""What the tutorial and the instructions say is what happens: every command and answer on them is run."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from tests.docs.conftest import Running
from tests.docs.pages import Shell, blocks, compare

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
XRM = f"env PYTHONPATH={ROOT} {sys.executable} -m xrm_core"
PAGES = [
    "tutorials/first-hour.md",
    "tutorials/veterinary-practice.md",
    "how-to/design-your-own-module.md",
    "how-to/build-an-automation.md",
    "how-to/define-a-module.md",
    "how-to/write-formulas.md",
    "how-to/import-your-data.md",
    "how-to/back-up-and-restore.md",
]
OWN_SERVER = "how-to/use-your-own-postgresql.md"


@pytest.mark.parametrize("name", PAGES)
def test_a_page_does_what_it_says(name: str, running: Running, tmp_path: Path) -> None:
    replaced = {"http://localhost:8000": running.address, ".venv/bin/xrm": XRM}
    shell = Shell(tmp_path, replaced, {"XRM_DATA_DIR": str(running.data_dir)})
    assert shell.run(DOCS / name) >= 4


def test_a_server_of_ones_own(server_dsn: str, tmp_path: Path) -> None:
    name = f"xrm_docs_{os.getpid()}"
    with psycopg.connect(server_dsn, autocommit=True) as connection:
        connection.execute(f"create database {name} template template0 encoding 'UTF8'")
    try:
        dsn = make_conninfo(server_dsn, dbname=name)
        replaced = {"postgresql://xrm:secret@db.example.com/xrm": shlex.quote(dsn), ".venv/bin/xrm": XRM}
        assert Shell(tmp_path, replaced, {"XRM_DATA_DIR": str(tmp_path / "data")}).run(DOCS / OWN_SERVER) > 5
    finally:
        with psycopg.connect(server_dsn, autocommit=True) as connection:
            connection.execute(f"drop database {name} with (force)")


def test_every_page_with_commands_is_run() -> None:
    found = {str(page.relative_to(DOCS)) for page in DOCS.rglob("*.md") if blocks(page)}
    assert found == {*PAGES, OWN_SERVER}


def test_answers_are_compared_by_what_matters() -> None:
    assert compare({"a": 1, "b": "…"}, {"a": 1, "b": [0], "c": None}) == []
    assert compare({"a": {"b": [1, 2]}}, {"a": {"b": [1]}}) == ["/a/b is [1]"]
    assert compare({"a": "1"}, {"a": 1}) == ["/a is 1, not '1'"]
    assert compare({"a": "…"}, {"a": ""}) == ["/a is empty"]
    assert compare({"a": 1}, {}) == ["/a is missing"]
    assert compare({"a": 1}, []) == [" is []"]
