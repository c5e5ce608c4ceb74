"""`xrm pack` over the life of a pack: upgrade with decisions, way back, history, export, scenarios."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

from tests.cli.conftest import Run, read
from tests.packs_life.family import library


def put(root: Path, files: dict[str, Any]) -> str:
    for name, value in files.items():
        path = root / "library" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(value))
    return str(root / "library")


def test_a_pack_lives_on_the_command_line(run: Run, tmp_path: Path) -> None:
    run("db", "upgrade")
    run("workspace", "create", "main")
    files = library()
    files["scenarios/thick.json"] = {
        "name": "thick",
        "label": "Thick books",
        "now": "2026-03-31T09:30:00Z",
        "given": [{"module": "books", "key": "book", "values": {"name": "A", "pages": 600}}],
        "steps": [{"do": "expect", "key": "book", "values": {"thick": True}}],
    }
    pack = put(tmp_path / "first", files)
    assert read(run("pack", "test", pack, "--json"))[0]["passed"] is True
    run("pack", "install", pack)
    newer = library("1.1.0")
    newer["scenarios/thick.json"] = {**files["scenarios/thick.json"], "steps": [
        {"do": "expect", "key": "book", "values": {"thick": False}}
    ], "given": [{"module": "books", "key": "book", "values": {"name": "A", "page_count": 600}}]}  # fmt: skip
    later = put(tmp_path / "second", newer)
    plan = read(run("pack", "upgrade", later, "--plan", "--json"))
    assert plan["kind"] == "upgrade" and plan["ok"] and any("isbn" in change["path"] for change in plan["changes"])
    broken = run("pack", "upgrade", later, "--test", status=1)
    assert "thick is true, expected was false" in broken.stderr
    assert read(run("pack", "upgrade", later, "--json"))["version"] == "1.1.0"
    assert "nothing to do" in run("pack", "upgrade", later, status=1).stderr
    run("pack", "rollback", "library")
    kinds = [(one["kind"], bool(one["undone_at"])) for one in read(run("pack", "history", "library", "--json"))]
    assert kinds == [("rollback", False), ("upgrade", True), ("install", False)]

    out = tmp_path / "whole.zip"
    run("pack", "export", "our_library", "--whole", "--into", str(out))
    with zipfile.ZipFile(out) as archive:
        assert {"pack.json", "modules/books.json", "modules/authors.json"} <= set(archive.namelist())
        archive.extractall(tmp_path / "copy")
    run("pack", "check", str(tmp_path / "copy"))
    run("pack", "uninstall", "library")
    assert read(run("pack", "install", str(tmp_path / "copy"), "--json"))["pack"] == "our_library"
