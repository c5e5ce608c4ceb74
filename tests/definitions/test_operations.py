"""Operations of drafts: what they make, and that nothing anybody sends is more than refused."""

from __future__ import annotations

import random
from typing import Any

import pytest

from tests.definitions.sample import build
from xrm_core.definitions import operations
from xrm_core.definitions.checks import check
from xrm_core.definitions.collection import DefinitionSet
from xrm_core.definitions.diff import diff
from xrm_core.definitions.operations import OPERATIONS, apply, check_operation
from xrm_core.definitions.retype import separate
from xrm_core.definitions.uses import place_of, uses
from xrm_core.kernel.errors import Conflict, Invalid, NotFound, XrmError

BASE = build()


def done(*found: dict[str, Any], base: DefinitionSet = BASE) -> DefinitionSet:
    wanted = base
    for operation in found:
        wanted = apply(wanted, check_operation(operation), base)
    return wanted


def test_what_was_never_published_leaves_no_trace() -> None:
    add = {"op": "add", "path": "module/people/fields", "data": {"type": "text", "label": "Fax"}}
    assert done(add, {"op": "archive", "path": "module/people/fields/fax"}).hash == BASE.hash
    archived = done({"op": "archive", "path": "module/people/fields/birthday"})
    assert next(f for f in archived.by_id["people"].fields if f.id == "birthday").archived
    assert done({"op": "archive", "path": "module/projects/pipelines/work/stages/lost"}) != BASE
    option = {"op": "add", "path": "module/companies/fields/tier/options", "data": {"label": "C"}}
    assert done(option, {"op": "archive", "path": "module/companies/fields/tier/options/c"}).hash == BASE.hash


def test_restoring_what_is_archived() -> None:
    path = "module/companies/fields/budget"
    archived = done({"op": "archive", "path": path})
    back = apply(archived, check_operation({"op": "restore", "path": path}), archived)
    assert not next(f for f in back.by_id["companies"].fields if f.id == "budget").archived
    with pytest.raises(Conflict):
        done({"op": "restore", "path": path})
    taken = apply(
        archived,
        {"op": "add", "path": "module/companies/fields", "data": {"type": "text", "label": "Budget"}},
        archived,
    )
    with pytest.raises(Conflict):
        apply(taken, {"op": "restore", "path": path}, archived)


def test_a_rename_is_followed_everywhere() -> None:
    wanted = done({"op": "rename", "path": "module/people/fields/birthday", "name": "born"})
    assert check(wanted) == []
    changed = {change.path for change in diff(BASE, wanted)}
    assert "module/people/fields/age/formula" in changed and "role/member/hidden_fields/people" in changed


def test_another_type_has_a_place_of_its_own() -> None:
    retype = {"op": "retype", "path": "module/companies/fields/tier", "type": "text"}
    wanted = separate(BASE, done(retype))
    fields = {field.id: field for field in wanted.by_id["companies"].fields}
    assert fields["tier"].archived and fields["tier"].type == "select"
    assert fields["tier_2"].name == "tier" and fields["tier_2"].takes_from is not None
    assert fields["tier_2"].takes_from.field == "tier"
    assert separate(wanted, wanted) == wanted and separate(BASE, BASE) == BASE
    with pytest.raises(Invalid):
        done({**retype, "type": "nonsense"})


def test_what_uses_a_field_is_known() -> None:
    found = {use.path: use.kind for use in uses(BASE, "people", "fields", "birthday")}
    assert found == {"module/people/fields/age/formula": "formula", "role/member/hidden_fields/people": "role"}
    assert place_of(BASE, "/modules/people/fields/0/label") == (
        f"module/people/fields/{BASE.by_id['people'].fields[0].id}",
        "label",
    )
    assert place_of(BASE, "/modules/projects/pipelines/0/stages/1/requires/0")[1] == "requires/0"
    assert place_of(BASE, "/nowhere") == ("", "")


def test_options_become_one() -> None:
    wanted = done({"op": "merge_options", "path": "module/companies/fields/tier", "from": ["b"], "into": "a"})
    option = next(f for f in wanted.by_id["companies"].fields if f.id == "tier").options[1]  # type: ignore[attr-defined]
    assert option.archived and option.replaced_by == "a"
    for wrong in ({"from": ["x"], "into": "a"}, {"from": ["a"], "into": "a"}, {"from": ["a"], "into": "x"}):
        with pytest.raises(Invalid):
            done({"op": "merge_options", "path": "module/companies/fields/tier", **wrong})


def test_fields_are_split_and_combined() -> None:
    split = {
        "op": "split", "path": "module/companies/fields/name", "archive": False,
        "into": [{"type": "text", "label": "First", "takes_from": {"separator": " "}},
                 {"type": "text", "label": "Rest", "takes_from": {"separator": " ", "part": 1, "rest": True}}],
    }  # fmt: skip
    fields = [field.name for field in done(split).by_id["companies"].fields]
    assert fields[fields.index("name") + 1 : fields.index("name") + 3] == ["first", "rest"]
    combine = {
        "op": "combine", "path": "module/companies/fields", "data": {"type": "text", "label": "Both"},
        "expression": "concat(name, tier)", "archive": ["budget"],
    }  # fmt: skip
    made = {field.name: field for field in done(combine).by_id["companies"].fields}
    assert made["both"].takes_from is not None and made["budget"].archived


def test_paths_that_lead_nowhere() -> None:
    for path, error in (
        ("module/people/fields/nobody", NotFound), ("module/nothing/fields/x", NotFound), ("people", Invalid),
        ("module/people/links", Invalid), ("", Invalid), ("module/people/" + "x/" * 400, Invalid),
    ):  # fmt: skip
        with pytest.raises(error):
            done({"op": "remove", "path": path})


PATHS = [
    "module", "role", "automation", "automation/x", "module/people", "module/people/fields", "module/people/fields/birthday", "role/member", "module/x",
    "module/projects/pipelines/work/stages/lost", "module/companies/fields/tier/options/a", "module//", "role/x/y",
    "module/companies/fields/tier/options", "module/people/layout", "module/people/layout/sections", "module/people/label",
    "module/people/fields/birthday/label", "module/people/links", "module/projects/links/company", "module/people/title/x",
]  # fmt: skip
VALUES: list[Any] = [
    None, 1, -1, True, "x", "", [], {}, {"a": 1}, ["a"], {"name": {}}, {"name": "q", "type": "text", "label": "Q"},
    [{"name": "z"}], {"name": [1], "label": {}}, {"label": {"en": "E"}, "type": "select", "options": [1]}, "birthday",
    {"id": "zz"}, {"fields": 3}, {"fields": [3]}, {"archived": 5}, 10**30, "/label", "/options/0", "/name", "/a/b", "/fields/-",
]  # fmt: skip


@pytest.mark.parametrize("seed", range(3))
def test_garbage_is_refused(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(700):
        name = chance.choice(OPERATIONS)
        needed, allowed = operations._KEYS[name]
        operation: dict[str, Any] = {"op": name}
        for key in sorted(needed | allowed):
            if key in needed or chance.random() < 0.5:
                path = key in ("path", "to") and chance.random() < 0.95
                operation[key] = chance.choice(PATHS if path else VALUES)
        try:
            apply(BASE, check_operation(operation), BASE)
        except XrmError:
            continue


def test_what_is_said_about_options_and_stages_follows_their_names() -> None:
    view = {"op": "add", "path": "module/companies/views", "data": {
        "label": "Good", "columns": ["name"], "filter": "tier == 'a' or tier in ['a', 'b'] or 'b' != tier"}}  # fmt: skip
    rule = {"op": "add", "path": "module/projects/rules", "data": {
        "name": "kept", "kind": "validation", "check": "stage != 'lost' or company.tier == 'a'"}}  # fmt: skip
    wanted = done(
        view,
        rule,
        {"op": "set", "path": "module/companies/fields/tier", "pointer": "/default", "value": "a"},
        {"op": "rename", "path": "module/companies/fields/tier/options/a", "name": "gold"},
        {"op": "rename", "path": "module/projects/pipelines/work/stages/lost", "name": "gone"},
    )
    assert check(wanted) == []
    companies, projects = wanted.by_id["companies"], wanted.by_id["projects"]
    assert companies.views[-1].filter == "tier == 'gold' or tier in ['gold', 'b'] or 'b' != tier"
    assert projects.rules[-1].check == "stage != 'gone' or company.tier == 'gold'"  # type: ignore[union-attr]
    assert next(f for f in companies.fields if f.id == "tier").default == "gold"
    merged = done(view, {"op": "merge_options", "path": "module/companies/fields/tier", "from": ["b"], "into": "a"})
    assert merged.by_id["companies"].views[-1].filter == "tier == 'a' or tier in ['a'] or 'a' != tier"
