"""Guest pages: checked, renamed along, merged by their names, and part of what a pack brings."""

from __future__ import annotations

import copy
from typing import Any

from tests.definitions.sample import MODULES
from xrm_core.definitions import edit
from xrm_core.definitions.checks import check
from xrm_core.definitions.collection import DefinitionSet
from xrm_core.definitions.extension import Extension, extended
from xrm_core.definitions.merge import merge
from xrm_core.definitions.module import Module
from xrm_core.definitions.reading import read
from xrm_core.definitions.uses import uses

PAGE: dict[str, Any] = {
    "name": "look", "label": "Look", "when": "stage == 'running'", "until": "start_date", "recipient": "company",
    "show": ["name", "company.name", "budget"],
    "lists": [{"name": "tasks", "label": "Tasks", "module": "tasks", "link": "project", "filter": "not done",
               "sort": ["what"], "show": ["what"],
               "choices": [{"name": "say", "label": "Say", "when": "budget != none", "ask": ["what"], "ends": False}]},
              {"name": "others", "label": "Others", "module": "projects", "link": "company", "of": "company",
               "show": ["name"]}],
    "choices": [{"name": "end", "label": "End", "ask": ["share"], "required": ["share"],
                 "values": {"start_date": "today()", "share": "name"}, "stage": "done"}],
}  # fmt: skip


def with_page(**changes: Any) -> DefinitionSet:
    data = copy.deepcopy(MODULES)
    data["projects"]["guest_pages"] = [{**copy.deepcopy(PAGE), **changes}]
    return DefinitionSet(modules=tuple(read(Module, one) for one in data.values()))


def problems(**changes: Any) -> set[tuple[str, str]]:
    start = "/modules/projects/guest_pages/0"
    found = set(check(with_page(**changes))) - set(check(with_page(archived=True)))
    return {(one.code, one.path.removeprefix(start)) for one in found}


def choice(**changes: Any) -> list[dict[str, Any]]:
    return [{"name": "end", "label": "End", **changes}]


def one_list(**changes: Any) -> list[dict[str, Any]]:
    return [{"name": "tasks", "label": "Tasks", "module": "tasks", "link": "project", "show": ["what"], **changes}]


def test_what_a_page_names_must_be_there_and_need_no_account() -> None:
    assert problems() == {("type", "/choices/0/values/share")}
    good = {"choices": choice()}
    assert problems(**good) == set()
    for changes, wrong in (
        ({"when": "nothing == 1"}, "/when"),
        ({"show": ["nothing"]}, "/show/0"),
        ({"show": ["tasks"]}, "/show/0"),
        ({"show": ["members"]}, "/show/0"),
        ({"show": ["name"], "lists": one_list(module="none")}, "/lists/0/module"),
        ({"lists": one_list(link="none")}, "/lists/0/link"),
        ({"lists": one_list(of="company")}, "/lists/0/link"),
        ({"lists": one_list(of="tasks")}, "/lists/0/of"),
        ({"lists": one_list(filter="7")}, "/lists/0/filter"),
        ({"lists": one_list(sort=["-none"])}, "/lists/0/sort/0"),
        ({"lists": [*one_list(), *one_list()]}, "/lists/1/name"),
        ({"show": [], "lists": []}, "/show"),
        ({"until": "name"}, "/until"),
        ({"seen": "start_date"}, "/seen"),
        ({"recipient": "nobody"}, "/recipient"),
        ({"choices": choice(ask=["manager"])}, "/choices/0/ask/0"),
        ({"choices": choice(ask=["company"])}, "/choices/0/ask/0"),
        ({"choices": choice(ask=["warranty_end"])}, "/choices/0/ask/0"),
        ({"choices": choice(required=["name"])}, "/choices/0/required/0"),
        ({"choices": choice(values={"warranty_end": "today()"})}, "/choices/0/values/warranty_end"),
        ({"choices": choice(values={"id": "none"})}, "/choices/0/values/id"),
        ({"choices": choice(stage="none")}, "/choices/0/stage"),
        ({"choices": choice(when="name")}, "/choices/0/when"),
        ({"choices": [*choice(), *choice()]}, "/choices/1/name"),
    ):
        found = {path for _, path in problems(**{**good, **changes})}
        assert any(path.startswith(wrong) for path in found), (changes, found)


def test_renames_are_followed_and_uses_are_found() -> None:
    before = with_page(choices=choice(ask=["share"], values={"start_date": "today()"}))
    after = edit.patch_part(before, "projects", "fields", "name", {"name": "called"})
    after = edit.patch_part(after, "tasks", "fields", "what", {"name": "deed"})
    after = edit.patch_part(after, "projects", "links", "company", {"name": "customer"})
    after = edit.patch_module(after, "tasks", {"name": "jobs"})
    (page,) = after.by_id["projects"].guest_pages
    assert page.show == ("called", "customer.name", "budget") and page.recipient == "customer"
    assert (page.lists[0].module, page.lists[0].show, page.lists[0].sort) == ("jobs", ("deed",), ("deed",))
    assert (page.lists[1].of, page.lists[1].link) == ("customer", "customer")
    assert page.lists[0].choices[0].ask == ("deed",)
    assert not set(check(after)) - set(check(with_page(archived=True)))
    assert any("guest_pages" in use.path for use in uses(before, "projects", "fields", "share"))


def test_pages_merge_by_name_and_come_with_extensions() -> None:
    base = with_page(choices=choice())
    theirs = with_page(choices=choice(), days=30)
    mine = edit.patch_part(base, "projects", "guest_pages", "look", {"label": "Look here"})
    found = merge(base, theirs, mine)
    (page,) = found.definitions.by_id["projects"].guest_pages
    assert not found.conflicts and (page.days, page.label) == (30, "Look here")
    more = read(Extension, {"module": "tasks", "guest_pages": [{"name": "one", "label": "One", "show": ["what"]}]})
    assert [one.name for one in extended(base.by_id["tasks"], more).guest_pages] == ["one"]
