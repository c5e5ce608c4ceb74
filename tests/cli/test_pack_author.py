"""`xrm pack check` with its repairs and its JSON, and `xrm pack watch`."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Run, read
from tests.packs_life.family import fines, library


def put(root: Path, name: str, files: dict[str, object]) -> Path:
    for path, value in files.items():
        target = root / name / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(json.dumps(value, indent=2))
    return root / name


def test_every_problem_comes_with_file_pointer_and_hint_and_some_are_mended(run: Run, tmp_path: Path) -> None:
    pack = put(tmp_path, "library", library())
    books = json.loads((pack / "modules/books.json").read_text())
    books["fields"][0]["requird"] = books["fields"][0].pop("required")
    text = json.dumps(books, indent=2).replace("\n", "\r\n")
    (pack / "modules/books.json").unlink()
    (pack / "modules/volumes.json").write_bytes(b"\xef\xbb\xbf" + text[:-3].rstrip().encode() + b",\r\n}")
    found = read(run("pack", "check", str(pack), "--json", status=1))
    assert found["ok"] is False
    assert {(one["file"], one["code"]) for one in found["problems"]} == {("modules/volumes.json", "json")}
    fixed = read(run("pack", "check", str(pack), "--fix", "--json"))
    assert fixed["ok"] is True and fixed["problems"] == [] and fixed["modules"] == 2
    assert [said.split(":")[0] for said in fixed["fixed"]] == ["modules/volumes.json"] * 3
    assert (pack / "modules/books.json").is_file()
    books["title"] = "{{ nobody }}"
    (pack / "modules/books.json").write_text(json.dumps(books))
    told = read(run("pack", "check", str(pack), "--json", status=1))["problems"]
    assert {(one["pointer"], one["fixable"]) for one in told} == {("/fields/0/requird", True)}
    run("pack", "check", str(pack), "--fix", status=1)
    (problem,) = read(run("pack", "check", str(pack), "--json", status=1))["problems"]
    assert (problem["file"], problem["pointer"], problem["fixable"]) == ("modules/books.json", "/title", False)


def test_a_pack_is_checked_with_what_it_requires(run: Run, tmp_path: Path) -> None:
    put(tmp_path, "library", library())
    pack = put(tmp_path, "fines", fines())
    assert "fines is sound: 1 modules, 1 extended modules." in run("pack", "check", str(pack)).stdout


def test_what_is_saved_is_published(run: Run, tmp_path: Path) -> None:
    run("db", "upgrade")
    run("workspace", "create", "saved")
    pack = put(tmp_path, "library", library())
    assert "published as version" in run("pack", "watch", str(pack), "--workspace", "saved", "--once").stdout
    assert "nothing has changed" in run("pack", "watch", str(pack), "--workspace", "saved", "--once").stdout
    books = json.loads((pack / "modules/books.json").read_text())
    books["fields"].append({"name": "isbn", "type": "text", "label": "ISBN"})
    (pack / "modules/books.json").write_text(json.dumps(books))
    assert "published as version" in run("pack", "watch", str(pack), "--workspace", "saved", "--once").stdout
    (pack / "modules/books.json").write_text("{")
    assert "modules/books.json" in run("pack", "watch", str(pack), "--workspace", "saved", "--once", status=1).stderr
    run("workspace", "drop", "saved", "--yes")
