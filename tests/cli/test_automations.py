"""`xrm automation`: listed, tried, back-tested, switched on and off, what they did."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.cli.conftest import Run, read
from tests.cli.test_pack_life import put
from tests.packs_life.family import library


def test_automations_on_the_command_line(run: Run, tmp_path: Path) -> None:
    run("db", "upgrade")
    run("workspace", "create", "main")
    files: dict[str, Any] = library()
    files["automations/remember.json"] = {
        "name": "remember", "label": "Remember", "module": "books", "triggers": [{"kind": "created"}],
        "steps": [{"do": "update", "values": {"pages": 7}}],
    }  # fmt: skip
    run("pack", "install", put(tmp_path, files))
    listed = read(run("automation", "list", "--json"))
    assert [(one["name"], one["state"], one["origin"]) for one in listed] == [("remember", "draft", "library")]
    assert "When a record is created" in run("automation", "list").stdout
    run("automation", "enable", "remember")
    assert read(run("automation", "list", "--json"))[0]["state"] == "on"
    assert read(run("automation", "runs", "remember", "--json")) == []
    assert read(run("automation", "backtest", "remember", "--json"))["fired"] == 0
    assert read(run("automation", "log", "--json")) == []
    run("automation", "pause", "remember")
    assert "There is no automation 'remembr'" in run("automation", "runs", "remembr", status=1).stderr
    run("automation", "test", "remember", "--record", "nonsense", status=2)
