"""Every check finds what it is for, at the place where it is, with a way out."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.definitions.sample import ROLES, build, modules
from xrm_core.definitions.checks import check
from xrm_core.definitions.module import Module
from xrm_core.definitions.reading import read
from xrm_core.kernel.errors import Invalid

Data = dict[str, dict[str, Any]]


def test_the_sample_is_right() -> None:
    assert check(build()) == []


def _set(*path: str | int, value: Any) -> Callable[[Data], None]:
    def change(data: Any) -> None:
        for part in path[:-1]:
            data = data[part]
        if path[-1] == "+":
            data.append(value)
        else:
            data[path[-1]] = value

    return change


def text(name: str) -> dict[str, Any]:
    return {"name": name, "type": "text", "label": name}


CASES: list[tuple[str, str, Callable[[Data], None]]] = [
    ("reserved", "/modules/companies/fields/4/name", _set("companies", "fields", "+", value=text("title"))),
    ("reserved", "/modules/companies/fields/4/name", _set("companies", "fields", "+", value=text("from"))),
    (
        "duplicate_name",
        "/modules/companies/fields/4/name",
        _set("companies", "fields", "+", value={**text("name"), "id": "other"}),
    ),
    (
        "duplicate_id",
        "/modules/companies/fields/4/id",
        _set("companies", "fields", "+", value={**text("other"), "id": "name"}),
    ),
    (
        "duplicate_name",
        "/modules/companies/links/0/name",
        _set(
            "companies",
            "links",
            0,
            value={
                "id": "p",
                "name": "name",
                "label": "P",
                "to": ["people"],
                "inverse": {"name": "led", "label": "Led"},
            },
        ),
    ),
    (
        "duplicate_name",
        "/modules/notes/links/0/inverse/name",
        _set("projects", "links", 0, "inverse", "name", value="notes"),
    ),
    ("duplicate_name", "/modules/projects/views/1/name", _set("projects", "views", 1, "name", value="all")),
    (
        "duplicate_name",
        "/modules/projects/pipelines/0/stages/1/name",
        _set("projects", "pipelines", 0, "stages", 1, "name", value="planned"),
    ),
    ("missing", "/modules/people/links/0/to/0", _set("people", "links", 0, "to", value=["companys"])),
    ("archived", "/modules/notes/links/0/to/0", _set("companies", "archived", value=True)),
    ("required", "/modules/people/links/0/inverse", _set("people", "links", 0, "inverse", value=None)),
    (
        "contradiction",
        "/modules/people/links/0/attributes",
        _set("people", "links", 0, "attributes", value=[text("a")]),
    ),
    ("contradiction", "/modules/projects/links/1/unique", _set("projects", "links", 1, "unique", value=True)),
    ("required", "/modules/tasks/links", _set("tasks", "links", 0, "owner", value=False)),
    (
        "missing",
        "/modules/projects/pipelines/0/stages/1/requires/0",
        _set("projects", "pipelines", 0, "stages", 1, "requires", value=["start"]),
    ),
    (
        "missing",
        "/modules/projects/pipelines/0/stages/2/moves_to/0",
        _set("projects", "pipelines", 0, "stages", 2, "moves_to", value=["gone"]),
    ),
    (
        "unknown_name",
        "/modules/projects/fields/3/formula",
        _set("projects", "fields", 3, "formula", value="start + warranty"),
    ),
    (
        "type",
        "/modules/projects/fields/3/formula",
        _set("projects", "fields", 3, "formula", value="start_date + budget"),
    ),
    (
        "type",
        "/modules/projects/fields/3/result/type",
        _set("projects", "fields", 3, "result", value={"type": "money"}),
    ),
    ("missing", "/modules/projects/fields/7/link", _set("projects", "fields", 7, "link", value="task")),
    ("type", "/modules/projects/fields/7/link", _set("projects", "fields", 7, "link", value="company")),
    ("type", "/modules/projects/fields/7/field", _set("projects", "fields", 7, "field", value="what")),
    (
        "unknown_option",
        "/modules/companies/fields/2/where",
        _set("companies", "fields", 2, "where", value="stage != 'lots'"),
    ),
    ("missing", "/modules/people/fields/4/link", _set("people", "fields", 4, "link", value="boss")),
    ("unknown_name", "/modules/people/fields/4/field", _set("people", "fields", 4, "field", value="nam")),
    ("unknown_name", "/modules/projects/title", _set("projects", "title", value="{{ nome }}")),
    ("syntax", "/modules/projects/title", _set("projects", "title", value="{{ name")),
    ("template", "/modules/projects/title", _set("projects", "title", value="Project")),
    (
        "type",
        "/modules/projects/fields/5/default/expression",
        _set("projects", "fields", 5, "default", value={"expression": "today()"}),
    ),
    (
        "not_a_condition",
        "/modules/projects/fields/5/required_when",
        _set("projects", "fields", 5, "required_when", value="budget"),
    ),
    (
        "not_a_condition",
        "/modules/projects/pipelines/0/stages/1/entry_when",
        _set("projects", "pipelines", 0, "stages", 1, "entry_when", value="name"),
    ),
    ("unknown_name", "/modules/projects/links/1/where", _set("projects", "links", 1, "where", value="tier == 'a'")),
    (
        "type",
        "/modules/tasks/links/0/default/expression",
        _set("tasks", "links", 0, "default", value={"expression": "what"}),
    ),
    (
        "unknown_name",
        "/modules/projects/rules/0/check",
        _set("projects", "rules", 0, "check", value="strt_date > today()"),
    ),
    ("missing", "/modules/projects/rules/0/fields/0", _set("projects", "rules", 0, "fields", value=["x"])),
    ("missing", "/modules/projects/rules/1/fields/0", _set("projects", "rules", 1, "fields", value=["firm", "name"])),
    ("type", "/modules/projects/rules/1/fields/0", _set("projects", "rules", 1, "fields", value=["members", "name"])),
    (
        "missing",
        "/modules/projects/layout/sections/0/fields/0",
        _set("projects", "layout", "sections", 0, "fields", value=["nam"]),
    ),
    (
        "duplicate",
        "/modules/projects/layout/sections/0/fields/1",
        _set("projects", "layout", "sections", 0, "fields", value=["name", "name"]),
    ),
    (
        "not_writable",
        "/modules/projects/layout/quick_create/0",
        _set("projects", "layout", "quick_create", value=["portion"]),
    ),
    ("missing", "/modules/projects/views/0/columns/0", _set("projects", "views", 0, "columns", value=["company.nam"])),
    ("path", "/modules/projects/views/0/columns/0", _set("projects", "views", 0, "columns", value=["name.nam"])),
    ("type", "/modules/projects/views/0/sort/0", _set("projects", "views", 0, "sort", value=["-members"])),
    ("type", "/modules/projects/views/1/sum", _set("projects", "views", 1, "sum", value="name")),
    ("type", "/modules/projects/views/2/date_field", _set("projects", "views", 2, "date_field", value="name")),
    ("required", "/modules/projects/views/2/date_field", _set("projects", "views", 2, "date_field", value=None)),
    (
        "required",
        "/modules/people/views/0/group_by",
        _set("people", "views", value=[{"name": "b", "label": "B", "layout": "board"}]),
    ),
    ("missing", "/modules/projects/views/0/roles/0", _set("projects", "views", 0, "roles", value=["boss"])),
    ("setting", "/modules/people/fields/3/required", _set("people", "fields", 3, "required", value=True)),
]


@pytest.mark.parametrize(("code", "path", "change"), CASES, ids=[f"{code} {path}" for code, path, _ in CASES])
def test_what_is_wrong_is_found_where_it_is(code: str, path: str, change: Callable[[Data], None]) -> None:
    data = modules()
    change(data)
    problems = check(build(data))
    assert (code, path) in [(p.code, p.path) for p in problems], problems
    assert all(p.message for p in problems)


def test_roles_name_what_exists() -> None:
    roles = {"r": {**ROLES["member"], "modules": {"project": {"see": "all"}}, "hidden_fields": {"people": ["birtday"]}}}
    problems = check(build(roles=roles))
    assert [(p.path, p.hint) for p in problems] == [
        ("/roles/member/modules/project", "Did you mean 'projects'?"),
        ("/roles/member/hidden_fields/people/0", "Did you mean 'birthday'?"),
    ]


@pytest.mark.parametrize(
    ("change", "path", "word"),
    [
        (_set("companies", "fields", 0, "type", value="txt"), "/fields/0/type", "text"),
        (_set("companies", "fields", 0, "requird", value=True), "/fields/0/requird", "required"),
        (_set("companies", "fields", 0, "name", value="Name"), "/fields/0/name", "lower-case"),
        (_set("companies", "fields", 0, "label", value="x" * 10_000), "/fields/0/label", "200"),
        (_set("companies", "fields", 0, "label", value={"en": 3}), "/fields/0/label/en", "text"),
        (_set("companies", "label", value=None), "/label", "text"),
        (_set("companies", "fields", 1, "options", 0, value={"name": "a"}), "/fields/1/options/0/label", "needed"),
        (_set("companies", "links", 0, "on_delete", value="explode"), "/links/0/on_delete", "allowed"),
        (_set("companies", "fields", value="x"), "/fields", "list"),
    ],
)
def test_unreadable_definitions_are_problems_with_places(change: Callable[[Data], None], path: str, word: str) -> None:
    data = modules()
    change(data)
    with pytest.raises(Invalid) as caught:
        read(Module, data["companies"])
    found = [p for p in caught.value.problems if p.path == path]
    assert found, caught.value.problems
    assert word in found[0].message + found[0].hint


def test_large_sets_are_checked_quickly() -> None:
    data: Data = {}
    for number in range(200):
        name = f"module_{number}"
        fields: list[dict[str, Any]] = [text(f"text_{i}") for i in range(8)]
        fields += [
            {"name": "amount", "type": "decimal", "label": "A"},
            {"name": "double", "type": "formula", "label": "D", "formula": "amount * 2"},
        ]
        links = [
            {
                "name": "next",
                "label": "N",
                "to": [f"module_{(number + 1) % 200}"],
                "inverse": {"name": "previous", "label": "P"},
            },
        ]
        data[name] = {
            "name": name,
            "label": name,
            "label_plural": name,
            "title": "{{ text_0 }}",
            "fields": fields,
            "links": links,
        }
    wide = [text("first")] + [
        {"name": f"f{i}", "type": "formula", "label": "F", "formula": f"n{i} + 1"}
        if i % 2
        else {"name": f"n{i + 1}", "type": "integer", "label": "N"}
        for i in range(1999)
    ]
    data["wide"] = {"name": "wide", "label": "W", "label_plural": "W", "title": "{{ first }}", "fields": wide}
    found = build(data, {})
    start = time.perf_counter()
    assert check(found) == []
    assert time.perf_counter() - start < 2
