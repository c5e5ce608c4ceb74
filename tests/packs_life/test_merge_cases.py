"""Every kind of meeting of two changes has its defined outcome."""

from __future__ import annotations

from typing import Any

from tests.definitions.sample import build, modules
from xrm_core.definitions import edit
from xrm_core.definitions.checks import check
from xrm_core.definitions.collection import DefinitionSet, body
from xrm_core.definitions.merge import Decision, Merged, merge

BASE = build()


def field(found: DefinitionSet, module: str, key: str) -> dict[str, Any]:
    return next(body(one) for one in found.by_id[module].fields if one.id == key)


def patched(module: str, name: str, changes: dict[str, Any], part: str = "fields") -> DefinitionSet:
    return edit.patch_part(BASE, module, part, name, changes)


def only(found: Merged) -> tuple[str, str]:
    assert len(found.conflicts) == 1, found.conflicts
    return found.conflicts[0].path, found.conflicts[0].clash


def test_two_labels_are_a_choice_and_two_languages_are_none() -> None:
    theirs, mine = patched("people", "birthday", {"label": "Born"}), patched("people", "birthday", {"label": "Day"})
    found = merge(BASE, theirs, mine)
    path = "module/people/fields/birthday/label/en"
    assert only(found) == (path, "changed") and found.open
    assert field(found.definitions, "people", "birthday")["label"] == {"en": "Day"}
    decided = merge(BASE, theirs, mine, {path: Decision("theirs", found.conflicts[0].question)})
    assert field(decided.definitions, "people", "birthday")["label"] == {"en": "Born"} and not decided.open
    german = patched("people", "birthday", {"label": {"en": "Birthday", "de": "Geburtstag"}})
    both = merge(BASE, german, mine)
    assert field(both.definitions, "people", "birthday")["label"] == {"en": "Day", "de": "Geburtstag"}
    assert not both.conflicts


def test_a_decision_answers_the_same_question_only() -> None:
    mine = patched("people", "birthday", {"help": "Ours"})
    first, second = patched("people", "birthday", {"help": "One"}), patched("people", "birthday", {"help": "Two"})
    asked = merge(BASE, first, mine).conflicts[0]
    decision = {asked.path: Decision("theirs", asked.question)}
    assert merge(BASE, first, mine, decision).open == []
    assert len(merge(BASE, second, mine, decision).open) == 1


def test_two_conditions_can_hold_together() -> None:
    theirs = patched("projects", "board", {"filter": "stage != 'done'"}, "views")
    mine = patched("projects", "board", {"filter": "company.tier == 'b'"}, "views")
    conflict = merge(BASE, theirs, mine).conflicts[0]
    assert conflict.choices == ("mine", "theirs", "both")
    found = merge(BASE, theirs, mine, {conflict.path: Decision("both")}).definitions
    board = next(view for view in found.by_id["projects"].views if view.id == "board")
    assert board.filter == "(company.tier == 'b') and (stage != 'done')" and check(found) == []


def test_renamed_on_one_side_mentioned_on_the_other() -> None:
    theirs = patched("projects", "budget", {"name": "volume"})
    mine = edit.add_part(
        BASE, "projects", "fields", {"name": "half", "type": "formula", "label": "H", "formula": "budget / 2"}
    )
    found = merge(BASE, theirs, mine)
    assert not found.conflicts and not found.problems
    assert field(found.definitions, "projects", "half")["formula"] == "volume / 2"
    assert field(found.definitions, "companies", "budget")["field"] == "volume"


def test_renamed_on_both_sides() -> None:
    theirs, mine = patched("projects", "budget", {"name": "volume"}), patched("projects", "budget", {"name": "amount"})
    found = merge(BASE, theirs, mine)
    assert only(found) == ("module/projects/fields/budget/name", "renamed")
    assert field(found.definitions, "companies", "budget")["field"] == "amount" and not found.problems
    decided = merge(BASE, theirs, mine, {"module/projects/fields/budget/name": Decision("theirs")})
    assert field(decided.definitions, "projects", "portion")["formula"] == "volume * share / 100"


def test_a_name_that_is_taken_here_gives_way() -> None:
    theirs = edit.add_part(BASE, "people", "fields", {"name": "score", "type": "integer", "label": "S"})
    mine = patched("people", "birthday", {"name": "score"})
    found = merge(BASE, theirs, mine)
    assert not found.problems and field(found.definitions, "people", "score")["name"] == "score_2"
    assert any(note.what == "renamed" for note in found.notes)


def test_type_changed_there_settings_changed_here() -> None:
    theirs_data = modules()
    theirs_data["projects"]["fields"][5] = {"name": "share", "type": "integer", "label": "Share", "max": 10}
    theirs = build(theirs_data)
    mine = patched("projects", "share", {"scale": 4})
    found = merge(BASE, theirs, mine)
    assert only(found) == ("module/projects/fields/share/type", "type")
    assert field(found.definitions, "projects", "share")["scale"] == 4
    decided = merge(BASE, theirs, mine, {"module/projects/fields/share/type": Decision("theirs")}).definitions
    assert field(decided, "projects", "share") == {
        "type": "integer",
        "id": "share",
        "name": "share",
        "label": "Share",
        "max": 10,
    }
    labelled = merge(BASE, theirs, patched("projects", "share", {"label": "Part"}))
    assert not labelled.conflicts and field(labelled.definitions, "projects", "share")["label"] == "Part"


def test_deleted_there_changed_here_and_the_other_way_round() -> None:
    deleted = edit.remove_part(BASE, "people", "fields", "birthday", used=False)
    changed = patched("people", "birthday", {"label": "Born"})
    there = merge(BASE, deleted, changed)
    assert only(there) == ("module/people/fields/birthday", "deleted_there")
    assert field(there.definitions, "people", "birthday")["label"] == "Born"
    gone = merge(BASE, deleted, changed, {"module/people/fields/birthday": Decision("theirs")})
    assert all(one.id != "birthday" for one in gone.definitions.by_id["people"].fields) and gone.problems == ()
    here = merge(BASE, changed, deleted)
    assert only(here) == ("module/people/fields/birthday", "deleted_here")
    assert all(one.id != "birthday" for one in here.definitions.by_id["people"].fields)
    archived = merge(BASE, changed, edit.remove_part(BASE, "people", "fields", "birthday"))
    assert not archived.conflicts
    assert field(archived.definitions, "people", "birthday") == {
        **field(changed, "people", "birthday"),
        "archived": True,
    }


def test_gone_there_and_used_here_is_kept_or_its_users_are_archived() -> None:
    start = edit.remove_part(BASE, "people", "fields", "age", used=False)
    theirs = edit.remove_part(start, "people", "fields", "birthday", used=False)
    mine = edit.add_part(
        start, "people", "fields", {"name": "born", "type": "formula", "label": "B", "formula": "year(birthday)"}
    )
    kept = merge(start, theirs, mine)
    assert kept.problems == () and field(kept.definitions, "people", "birthday")["type"] == "date"
    assert any(note.what == "kept" for note in kept.notes)
    archived = merge(start, theirs, mine, gone="archive")
    assert archived.problems == () and field(archived.definitions, "people", "born")["archived"] is True


def test_a_field_that_both_put_into_other_sections() -> None:
    def placed(section: str) -> DefinitionSet:
        data = modules()
        data["projects"]["layout"]["sections"] += [
            {"name": name, "label": name, "fields": ["budget"] if name == section else []} for name in ("one", "two")
        ]
        return build(data)

    base, theirs, mine = placed(""), placed("one"), placed("two")
    found = merge(base, theirs, mine)
    assert only(found) == ("module/projects/layout/sections/*/budget", "moved") and not found.problems
    sections = {section.id: section.fields for section in found.definitions.by_id["projects"].layout.sections}
    assert sections["one"] == () and sections["two"] == ("budget",)


def test_both_added_a_node_of_one_id() -> None:
    theirs = edit.add_part(BASE, "people", "fields", {"name": "score", "type": "integer", "label": "S", "max": 5})
    mine = edit.add_part(BASE, "people", "fields", {"name": "score", "type": "integer", "label": "Mark"})
    found = merge(BASE, theirs, mine)
    assert only(found) == ("module/people/fields/score/label/en", "changed") or found.conflicts
    assert field(found.definitions, "people", "score")["max"] == 5
    other = edit.add_part(BASE, "people", "fields", {"name": "score", "type": "text", "label": "S"})
    assert only(merge(BASE, theirs, other))[1] == "type"
