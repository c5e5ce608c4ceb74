"""`xrm import` as a user runs it: plan, run, errors, undo, resume, list, bundle."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.cli.conftest import Run, read, run
from tests.importing.test_bundle import BUNDLES, OWN

__all__ = ["run"]
TEXT = "Name;Where;Who\nTrade fair;event;x\nFriends;Empfehlung;y\n;Other;z\n"


def test_commands(run: Run, tmp_path: Path) -> None:
    """One workspace with the recruiting pack for all of them: installing it takes longest."""
    run("db", "upgrade")
    run("workspace", "create", "office")
    run("user", "create", "--workspace", "office", "--email", "admin@office.example", "--role", "admin")
    run("pack", "install", "recruiting", "--workspace", "office")
    try:
        tried_imported_and_taken_back(run, tmp_path)
        wrong_usage_is_told_in_one_line(run, tmp_path)
        a_mapping_file(run, tmp_path)
        a_bundle_is_imported_by_one_command(run, tmp_path)
    finally:
        run("workspace", "drop", "office", "--yes")


def found(run: Run, status: int, *arguments: str) -> Any:
    return read(run("import", *arguments, "--workspace", "office", "--json", status=status))


def tried_imported_and_taken_back(run: Run, tmp_path: Path) -> None:
    file, errors = tmp_path / "sources.csv", tmp_path / "errors.csv"
    file.write_text(TEXT, encoding="cp1252")
    mapped = ("sources", str(file), "--map", "Where=channel", "--map", "Who=")
    planned = found(run, 1, "plan", *mapped)
    assert [(one["column"], one["target"]) for one in planned["columns"]] == [("Name", "name"), ("Where", "channel"), ("Who", "-")]
    assert planned["created"] == 2 and planned["left_out"] == 1 and planned["problems"][0]["row"] == 4
    told = run("import", "plan", *mapped, "--workspace", "office", status=1).output
    assert "goes to" in told and "row 4, Name: " in told and "3 rows: 2 would be created" in told
    done = found(run, 1, "run", *mapped, "--errors", str(errors))
    assert done["created"] == 2
    assert errors.read_text(encoding="utf-8-sig").splitlines()[1].startswith(",Other,z,4,Name: ")
    listed = found(run, 0, "list")
    assert listed[0]["state"] == "done" and listed[0]["id"] == done["import"]
    assert found(run, 0, "undo", done["import"])["erased"] == 2
    assert found(run, 0, "list")[0]["state"] == "undone"


def wrong_usage_is_told_in_one_line(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "sources.csv"
    file.write_text(TEXT)
    for arguments in (
        ("plan", "nothing", str(file)),
        ("plan", "sources", str(file), "--map", "Where"),
        ("plan", "sources", str(file), "--map", "Wher=channel"),
        ("run", "sources", str(file), "--match", "nothing"),
        ("undo", "x"),
        ("undo", "0192d3a0-0000-7000-8000-000000000001"),
        ("run", "sources", str(file), "--resume", "0192d3a0-0000-7000-8000-000000000001"),
        ("plan", "sources", str(file), "--as", "nobody@office.example"),
    ):
        result = run("import", *arguments, "--workspace", "office", status=1)
        assert result.stderr.startswith("xrm: ") and "Traceback" not in result.output


def a_bundle_is_imported_by_one_command(run: Run, tmp_path: Path) -> None:
    bundle = str(BUNDLES / "greenhouse.json")
    tried = found(run, 1, "bundle", bundle, "--folder", str(OWN), "--plan")
    done = found(run, 1, "bundle", bundle, "--folder", str(OWN), "--errors", str(tmp_path / "errors"))
    assert [one["created"] for one in tried["files"]] == [one["created"] for one in done["files"]]
    assert (tmp_path / "errors" / "application-left-out.csv").is_file()
    told = run("import", "bundle", bundle, "--folder", str(OWN), "--workspace", "office", status=1).output
    assert "application.csv: 0 new" in told and "row 4, candidate_id: " in told
    assert found(run, 0, "undo", done["bundle"])["erased"] == 10


def a_mapping_file(run: Run, tmp_path: Path) -> None:
    file, mapping = tmp_path / "sources.csv", tmp_path / "mapping.json"
    file.write_text("a,b\nStreet fair,x\n")
    mapping.write_text(json.dumps({"columns": {"a": "name"}, "constants": {"channel": "event"}}))
    assert found(run, 0, "run", "sources", str(file), "--mapping", str(mapping), "--map", "b=notes")["created"] == 1
