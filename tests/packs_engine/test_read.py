"""Reading and checking packs: everything wrong is named with its file and place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.definitions.sample import ROLES, build, modules
from xrm_core.kernel.errors import Conflict, Invalid
from xrm_core.kernel.problem import Problem
from xrm_core.packs.scaffold import scaffold
from xrm_core.packs.validate import check_folder
from xrm_core.packs.versions import in_range, is_range

MANIFEST = {"name": "work", "version": "1.0.0", "label": {"en": "Work", "de": "Arbeit"}, "languages": ["en", "de"]}


def write(root: Path, data: dict[str, Any], manifest: dict[str, Any] | None = None) -> Path:
    (root / "modules").mkdir()
    (root / "roles").mkdir()
    (root / "pack.json").write_text(json.dumps(manifest or MANIFEST))
    (root / "README.md").write_text("# Work")
    for name, module in data.items():
        (root / "modules" / f"{name}.json").write_text(json.dumps(module))
    (root / "roles" / "member.json").write_text(json.dumps(ROLES["member"]))
    return root


def places(problems: list[Problem]) -> list[tuple[str, str]]:
    return [(problem.code, problem.path) for problem in problems]


def test_a_right_pack_has_no_problems(tmp_path: Path) -> None:
    contents, problems = check_folder(write(tmp_path, modules()))
    assert problems == []
    assert contents is not None and {m.name for m in contents.modules} == set(modules())


def test_problems_name_file_and_place(tmp_path: Path) -> None:
    data = modules()
    data["projects"]["fields"][3]["formula"] = "strt_date + warranty"
    data["people"]["label"] = {"en": "Person"}
    data["person"] = data.pop("people")
    problems = check_folder(write(tmp_path, data))[1]
    assert ("unknown_name", "modules/projects.json#/fields/3/formula") in places(problems)
    assert ("language", "modules/person.json#/label") in places(problems)
    assert ("file_name", "modules/person.json#/name") in places(problems)


def test_views_in_files_of_their_own(tmp_path: Path) -> None:
    root = write(tmp_path, modules())
    (root / "views").mkdir()
    (root / "views" / "late.json").write_text(
        json.dumps({"name": "late", "module": "projects", "label": "L", "filter": "strt"})
    )
    (root / "views" / "lost.json").write_text(json.dumps({"name": "lost", "module": "project", "label": "L"}))
    assert places(check_folder(root)[1]) == [("missing", "views/lost.json#/module")]
    (root / "views" / "lost.json").unlink()
    assert places(check_folder(root)[1]) == [("unknown_name", "views/late.json#/filter")]


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("modules/x.json", b"{", "json"),
        ("modules/x.json", b'{"name": "a", "name": "b"}', "json"),
        ("modules/x.json", b'{"name": NaN}', "json"),
        ("modules/x.json", b"\xff\xfe", "encoding"),
        ("modules/x.json", b"[" * 100 + b"]" * 100, "too_deep"),
        ("modules/x.json", b"[" * 200_000, "too_deep"),
        ("modules/x.json", b"[]", "type"),
        ("modules/x.txt", b"", "unknown_file"),
        ("module/x.json", b"{}", "unknown_file"),
        ("run.py", b"", "unknown_file"),
        ("sample_data/persons.csv", b"name\n", "missing"),
        ("sample_data/people.csv", b"nam\nx\n", "missing"),
        ("sample_data/people.csv", b"key,name\na,x\na,y\n", "duplicate"),
        ("sample_data/people.csv", b"key,name\na\n", "columns"),
        ("sample_data/people.csv", b"age\n3\n", "computed"),
        ("sample_data/people.csv", b"name\n\xff\n", "encoding"),
        ("sample_data/people.csv", b"", "empty"),
    ],
)
def test_bad_files(tmp_path: Path, name: str, content: bytes, code: str) -> None:
    root = write(tmp_path, modules())
    (root / name).parent.mkdir(exist_ok=True)
    (root / name).write_bytes(content)
    problems = check_folder(root)[1]
    assert code in [p.code for p in problems], problems
    assert problems[0].path.startswith(name)


def test_links_and_missing_manifests(tmp_path: Path) -> None:
    root = write(tmp_path, modules())
    (root / "modules" / "evil.json").symlink_to("/etc/hostname")
    assert ("link", "modules/evil.json") in places(check_folder(root)[1])
    (root / "pack.json").unlink()
    assert check_folder(root)[0] is None
    assert check_folder(tmp_path / "nowhere")[1][0].code == "missing"


def test_what_a_pack_requires(tmp_path: Path) -> None:
    root = write(tmp_path, modules(), {**MANIFEST, "core": ">=99", "requires": {"base": ">=2", "other": "soon"}})
    assert places(check_folder(root)[1]) == [
        ("version", "pack.json#/core"),
        ("missing_pack", "pack.json#/requires/base"),
        ("range", "pack.json#/requires/other"),
    ]


def test_a_pack_into_a_set_that_has_its_names(tmp_path: Path) -> None:
    root = write(tmp_path, modules())
    problems = check_folder(root, build())[1]
    assert {p.code for p in problems} == {"taken"}
    assert ("taken", "modules/people.json#/name") in places(problems)


@pytest.mark.parametrize(
    ("version", "text", "answer"),
    [
        ("1.2.3", ">=1.0,<2", True),
        ("2.0.0", ">=1.0,<2", False),
        ("1.2.3", "~1.2", True),
        ("2.0.0", "~1.2", False),
        ("1.2.3", "*", True),
        ("1.2.3", "!=1.2.3", False),
        ("0.1.0", ">=0.1", True),
        ("1.0.0", "soon", False),
    ],
)
def test_ranges(version: str, text: str, answer: bool) -> None:
    assert in_range(version, text) is answer
    assert is_range(text) is (text != "soon")


def test_a_new_pack_is_right_from_the_start(tmp_path: Path) -> None:
    written = scaffold(tmp_path, "room_booking")
    assert all(path.is_file() for path in written)
    contents, problems = check_folder(tmp_path / "room_booking")
    assert problems == [] and contents is not None and contents.name == "room_booking"
    with pytest.raises(Conflict):
        scaffold(tmp_path, "room_booking")
    with pytest.raises(Invalid):
        scaffold(tmp_path, "../evil")
