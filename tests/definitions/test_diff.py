"""Differences: every property once, by stable ids, with the gravity of the change."""

from __future__ import annotations

import random
from typing import Any

import pytest

from tests.definitions.sample import build, modules
from xrm_core.definitions import edit
from xrm_core.definitions.collection import DefinitionSet
from xrm_core.definitions.diff import diff, inverse

SET = build()


def changes(new: DefinitionSet) -> list[tuple[str, str, str]]:
    return [(c.path, c.kind, c.effect) for c in diff(SET, new)]


def test_equal_sets_do_not_differ() -> None:
    assert diff(SET, build()) == []
    assert DefinitionSet.from_json(SET.as_json()).hash == SET.hash
    assert DefinitionSet.model_validate(SET.snapshot()) == SET


@pytest.mark.parametrize(
    ("part", "name", "change", "expected"),
    [
        ("fields", "email", {"label": "Mail"}, [("module/people/fields/email/label", "changed", "safe")]),
        (
            "fields",
            "email",
            {"label": {"en": "E-mail", "de": "Post"}},
            [("module/people/fields/email/label", "changed", "safe")],
        ),
        ("fields", "email", {"required": True}, [("module/people/fields/email/required", "added", "safe")]),
        ("fields", "email", {"indexed": True}, [("module/people/fields/email/indexed", "added", "needs_backfill")]),
        ("fields", "birthday", {"type": "text"}, [("module/people/fields/birthday/type", "changed", "destructive")]),
        ("fields", "age", {"formula": "1 + 1"}, [("module/people/fields/age/formula", "changed", "needs_backfill")]),
        (
            "links",
            "employer",
            {"to": ["companies", "projects"]},
            [("module/people/links/employer/to", "changed", "needs_backfill")],
        ),
        ("links", "employer", {"many": True}, [("module/people/links/employer/many", "added", "destructive")]),
        (
            "links",
            "employer",
            {"inverse": {"label": "Team"}},
            [("module/people/links/employer/inverse/label", "changed", "safe")],
        ),
    ],
)
def test_changes_of_parts(part: str, name: str, change: dict[str, Any], expected: list[tuple[str, str, str]]) -> None:
    assert changes(edit.patch_part(SET, "people", part, name, change)) == expected


def test_nodes_that_come_and_go() -> None:
    data = modules()
    data["projects"]["pipelines"][0]["stages"].pop()
    data["companies"]["fields"][1]["options"].reverse()
    data["companies"]["fields"][1]["options"].append({"name": "c", "label": "C"})
    del data["notes"]
    data["things"] = {"name": "things", "label": "T", "label_plural": "T", "title": "{{ id }}"}
    assert changes(build(data)) == [
        ("module/companies/fields/tier/options/c", "added", "safe"),
        ("module/companies/fields/tier/options/b", "moved", "safe"),
        ("module/notes", "removed", "destructive"),
        ("module/projects/pipelines/work/stages/lost", "removed", "destructive"),
        ("module/things", "added", "safe"),
    ]


def test_packs_and_origins_are_part_of_it() -> None:
    found = SET.having(packs={"work": "1.0.0"}, origins={"module/people": "work"})
    assert [(c.path, c.kind) for c in diff(SET, found)] == [("pack/work", "added"), ("origin/module/people", "added")]


def test_the_way_back_is_the_inverse() -> None:
    data = modules()
    data["people"]["fields"][1]["label"] = "Mail"
    data["people"]["fields"].append({"name": "x", "type": "text", "label": "X"})
    found = build(data)
    there = {(c.path, c.kind) for c in inverse(diff(SET, found))}
    assert there == {(c.path, c.kind) for c in diff(found, SET)}


def test_moves_are_few() -> None:
    names = [f"f{i}" for i in range(40)]

    def of(order: list[str]) -> DefinitionSet:
        fields = [{"name": name, "type": "text", "label": name} for name in order]
        return build({"m": {"name": "m", "label": "M", "label_plural": "M", "title": "{{ f0 }}", "fields": fields}}, {})

    moved = names[1:] + names[:1]
    assert [c.path for c in diff(of(names), of(moved))] == ["module/m/fields/f0"]
    random.seed(3)
    for _ in range(20):
        other = random.sample(names, len(names))
        assert all(c.kind == "moved" for c in diff(of(names), of(other)))
