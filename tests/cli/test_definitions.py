"""`xrm definitions`: the designer's work from the command line."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Run, read

W = ("--workspace", "cli-definitions")


def test_a_module_is_drafted_reviewed_published_and_taken_back(run: Run, tmp_path: Path) -> None:
    run("workspace", "create", "cli-definitions")
    try:
        _all(run, tmp_path)
    finally:
        run("workspace", "drop", "cli-definitions", "--yes")


def _all(run: Run, tmp_path: Path) -> None:
    operations = [
        {"op": "add", "path": "module", "data": {"label": "Room", "label_plural": "Rooms", "title": "{{ name }}"}},
        {"op": "add", "path": "module/rooms/fields", "data": {"type": "text", "label": "Name"}},
        {"op": "add", "path": "module/rooms/fields", "data": {"type": "text", "label": "Seats"}},
    ]
    file = tmp_path / "changes.json"
    file.write_text(json.dumps(operations))
    assert "module/rooms" in run("definitions", "edit", str(file), *W).stdout
    assert read(run("definitions", "draft", "--json", *W))["undo"] == 3
    assert read(run("definitions", "undo", "--json", *W))["redo"] == 1
    run("definitions", "redo", *W)
    assert "module/rooms" in run("definitions", "plan", *W).stdout
    assert read(run("definitions", "publish", "--summary", "Rooms", "--json", *W))["version"] == 1
    assert "rooms" in run("definitions", "show", *W).stdout
    assert read(run("definitions", "show", "rooms", "--json", *W))["fields"][1]["name"] == "seats"
    retype = [{"op": "retype", "path": "module/rooms/fields/seats", "type": "integer"}]
    run("definitions", "edit", "-", *W, input=json.dumps(retype))
    run("definitions", "publish", *W)
    assert read(run("definitions", "show", "rooms", "--json", *W))["fields"][2]["type"] == "integer"
    assert "Rooms" in run("definitions", "history", *W).stdout
    assert "seats" in run("definitions", "rollback", "1", "--plan", *W).stdout
    assert read(run("definitions", "rollback", "1", "--json", *W))["version"] == 3
    assert read(run("definitions", "show", "rooms", "--json", *W))["fields"][1]["type"] == "text"
    run("definitions", "edit", "-", *W, input='[{"op": "archive", "path": "module/rooms/fields/seats"}]')
    assert "No conflicts" in run("definitions", "rebase", "--plan", *W).stdout
    run("definitions", "publish", *W)
    assert read(run("definitions", "erase", "module/rooms/fields/seats", "--json", *W))["records"] == 0
    run("definitions", "erase", "module/rooms/fields/seats", "--count", "3", *W, status=1)
    run("definitions", "erase", "module/rooms/fields/seats", "--count", "0", *W)
    assert run("definitions", "uses", "module/rooms/fields/name", *W).stdout
    wrong = tmp_path / "set.json"
    wrong.write_text(
        json.dumps({"modules": [{"name": "x", "label": "X", "label_plural": "Xs", "title": "{{ nothing }}"}]})
    )
    assert "nothing" in run("definitions", "plan", str(wrong), *W, status=1).stderr
    run("definitions", "publish", str(wrong), *W, status=1)
    wrong.write_text("{")
    assert "line 1" in run("definitions", "plan", str(wrong), *W, status=1).stderr
    run("definitions", "edit", "-", *W, input="3", status=1)
    run("definitions", "draft", "--discard", *W)
