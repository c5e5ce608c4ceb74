"""Editing single nodes: ids stay, names follow, what is removed is archived."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from tests.definitions.sample import ROLES, build, modules
from xrm_core.definitions import edit
from xrm_core.definitions.checks import check
from xrm_core.definitions.collection import DefinitionSet
from xrm_core.definitions.diff import diff
from xrm_core.kernel.errors import Conflict, Invalid, NotFound

SET = build()


def field(definitions: DefinitionSet, module: str, name: str) -> Any:
    return next(f for f in definitions.by_name[module].fields if f.name == name)


def test_a_field_gets_a_name_from_its_label_and_a_free_id() -> None:
    found = edit.add_part(SET, "people", "fields", {"type": "text", "label": "Größe (cm)"})
    assert field(found, "people", "grosse_cm").id == "grosse_cm"
    again = edit.add_part(found, "people", "fields", {"type": "text", "label": "Größe (cm)"})
    assert again.by_name["people"].fields[-1].name.endswith("_2")


def test_a_taken_name_is_refused() -> None:
    with pytest.raises(Conflict):
        edit.add_part(SET, "people", "fields", {"name": "email", "type": "text", "label": "E"})
    with pytest.raises(Conflict):
        edit.add_module(SET, {"name": "people", "label": "P", "label_plural": "P"})
    with pytest.raises(Conflict):
        edit.patch_part(SET, "people", "fields", "birthday", {"name": "email"})


def test_problems_are_relative_to_the_edited_node() -> None:
    with pytest.raises(Invalid) as caught:
        edit.add_part(SET, "people", "fields", {"name": "x", "type": "texd", "label": "X"})
    assert [p.path for p in caught.value.problems] == ["/type"]
    with pytest.raises(Invalid) as caught:
        edit.patch_part(SET, "people", "fields", "email", {"label": ""})
    assert caught.value.problems[0].path == "/label"


def test_unknown_nodes_are_not_found() -> None:
    with pytest.raises(NotFound) as caught:
        edit.patch_part(SET, "people", "fields", "emial", {})
    assert "email" in caught.value.problems[0].hint
    with pytest.raises(NotFound):
        edit.patch_module(SET, "persons", {})
    with pytest.raises(NotFound):
        edit.add_part(SET, "people", "feelds", {})


def test_the_id_never_changes() -> None:
    for changes in ({"id": "other"},):
        with pytest.raises(Invalid):
            edit.patch_part(SET, "people", "fields", "email", changes)
        with pytest.raises(Invalid):
            edit.patch_module(SET, "people", changes)


def test_a_renamed_field_is_followed_everywhere() -> None:
    found = edit.patch_part(SET, "projects", "fields", "start_date", {"name": "begins"})
    projects = found.by_name["projects"]
    assert field(found, "projects", "begins").id == "start_date"
    assert field(found, "projects", "warranty_end").formula == "begins + warranty"
    assert projects.pipeline is not None and projects.pipeline.stages[1].requires == ("begins",)
    assert projects.rules[0].model_dump()["check"] == "begins > company.created_at"
    assert projects.layout.sections[0].fields == ("name", "company", "begins", "members")
    assert projects.views[0].sort == ("-begins",) and projects.views[2].date_field == "begins"
    assert "start_date" not in json.dumps([v.model_dump() for v in projects.views])
    assert check(found) == []


def test_a_renamed_field_is_followed_over_links() -> None:
    found = edit.patch_part(SET, "companies", "fields", "name", {"name": "firm"})
    assert found.by_name["projects"].title == "{{ name }} for {{ company.firm }}"
    assert found.by_name["projects"].views[0].columns == ("name", "company.firm", "stage")
    assert field(found, "people", "employer_name").field == "firm"
    assert check(found) == []
    found = edit.patch_part(SET, "tasks", "fields", "done", {"name": "finished"})
    assert field(found, "companies", "open_tasks").where == "not finished"
    assert check(found) == []


def test_renamed_modules_links_and_inverses() -> None:
    found = edit.patch_module(SET, "projects", {"name": "jobs"})
    assert found.by_name["jobs"].id == "projects" and found.by_name["tasks"].links[0].to == ("jobs",)
    assert "jobs" in found.roles[0].modules
    assert check(found) == []
    found = edit.patch_part(SET, "projects", "links", "company", {"name": "client", "inverse": {"name": "jobs"}})
    assert found.by_name["projects"].links[0].id == "company"
    assert field(found, "companies", "budget").link == "jobs"
    assert field(found, "companies", "open_tasks").link == "jobs.tasks"
    assert found.by_name["projects"].rules[1].model_dump()["fields"] == ("client", "name")
    assert check(found) == []


def test_a_name_swap_in_two_steps() -> None:
    found = edit.patch_part(SET, "tasks", "fields", "hours", {"name": "spare"})
    found = edit.patch_part(found, "tasks", "fields", "what", {"name": "hours"})
    assert field(found, "projects", "effort").field == "spare"
    assert found.by_name["tasks"].title == "{{ hours }}"
    assert check(found) == []


def test_removed_fields_are_archived_and_layouts_forget_them() -> None:
    found = edit.remove_part(SET, "projects", "fields", "name")
    assert field(found, "projects", "name").archived
    assert "name" not in found.by_name["projects"].layout.sections[0].fields
    assert found.by_name["projects"].views[0].columns == ("company.name", "stage")
    # What computes with it keeps it: that is for the admin to decide.
    assert {p.path for p in check(found)} == {"/modules/projects/title", "/modules/projects/rules/1/fields/1"}
    unused = edit.remove_part(SET, "people", "fields", "birthday", used=False)
    assert all(f.name != "birthday" for f in unused.by_name["people"].fields)


def test_an_archived_name_can_be_given_again_with_another_id() -> None:
    gone = edit.remove_part(SET, "tasks", "fields", "hours")
    again = edit.add_part(gone, "tasks", "fields", {"name": "hours", "type": "integer", "label": "Hours"})
    ids = [(f.id, f.archived) for f in again.by_name["tasks"].fields if f.name == "hours"]
    assert ids == [("hours", True), ("hours_2", False)]
    assert check(again) == []
    third = edit.remove_part(again, "tasks", "fields", "hours")
    assert check(third) != [] and all(f.archived for f in third.by_name["tasks"].fields if f.name == "hours")


def test_removed_modules_take_the_links_to_them_along() -> None:
    found = edit.remove_module(SET, "people")
    assert found.by_name["people"].archived
    assert next(link for link in found.by_name["projects"].links if link.name == "members").archived
    assert found.by_name["notes"].links[0].to == ("companies",)
    assert "people" not in found.roles[0].hidden_fields
    restored = edit.restore_module(found, "people")
    assert not restored.by_name["people"].archived


def test_moving_and_merging() -> None:
    found = edit.move_part(SET, "people", "fields", "email", 0)
    assert found.by_name["people"].fields[0].name == "email"
    assert [(c.path, c.kind) for c in diff(SET, found)] == [("module/people/fields/email", "moved")]
    assert edit.merged({"a": {"b": 1, "c": 2}, "d": 3}, {"a": {"b": None}, "d": None, "e": [1]}) == {
        "a": {"c": 2},
        "e": [1],
    }


def test_roles() -> None:
    found = edit.add_role(SET, {"label": "Guest", "modules": {"people": {"see": "all"}}})
    assert found.roles[-1].name == "guest"
    found = edit.patch_role(found, "guest", {"modules": {"people": {"edit": "own"}}})
    assert found.roles[-1].modules["people"].see == "all"
    assert edit.remove_role(found, "guest").roles[-1].archived


def test_whole_definitions_at_once() -> None:
    data = {**modules()["people"], "label": "Human"}
    things = {"name": "things", "label": "T", "label_plural": "T", "title": "{{ id }}"}
    found = edit.replace(SET, {"modules": [data, things], "remove": ["module/notes"]})
    assert found.by_name["people"].label == "Human" and "things" in found.by_name
    assert found.by_name["notes"].archived and check(found) == []
    assert edit.replace(SET, {"modules": list(modules().values()), "roles": [ROLES["member"]], "complete": True}) == SET
    only = edit.replace(SET, {"modules": [things], "complete": True})
    assert [m.name for m in only.modules] == ["things"] and only.roles == ()
    renamed = edit.replace(SET, {"modules": [{**modules()["projects"], "id": "projects", "name": "jobs"}]})
    assert renamed.by_name["tasks"].links[0].to == ("jobs",) and check(renamed) == []
    for wrong in ({"module": []}, {"modules": {}}, {"modules": [3]}, {"modules": [{"name": "A"}]}, {"remove": ["x"]}):
        with pytest.raises((Invalid, NotFound)):
            edit.replace(SET, wrong)


def test_random_renames_keep_the_set_right() -> None:
    random.seed(11)
    found = SET
    for step in range(60):
        module = random.choice(found.modules)
        if random.random() < 0.2:
            found = edit.patch_module(found, module.name, {"name": f"m{step}"})
        elif random.random() < 0.5 and module.links:
            link = random.choice(module.links)
            changes: dict[str, Any] = {"name": f"l{step}"}
            if random.random() < 0.5:
                changes["inverse"] = {"name": f"i{step}"}
            found = edit.patch_part(found, module.name, "links", link.name, changes)
        else:
            found = edit.patch_part(
                found, module.name, "fields", random.choice(module.fields).name, {"name": f"f{step}"}
            )
        assert check(found) == [], step
    assert {m.id for m in found.modules} == {m.id for m in SET.modules}
