"""What expressions may mention, and the types of computed fields."""

from __future__ import annotations

from tests.definitions.sample import build, modules
from xrm_core.definitions.scope import Scopes
from xrm_core.kernel.kinds import Kind

SET = build()
SCOPES = Scopes(SET)


def kind(module: str, field: str) -> str:
    found = SET.by_name[module]
    return str(SCOPES.type_of(found, next(f for f in found.fields if f.name == field)))


def check(module: str, source: str) -> list[str]:
    return [problem.message for problem in SCOPES.check(SET.by_name[module], source)[1]]


def test_types_of_computed_fields_are_inferred() -> None:
    assert kind("projects", "warranty_end") == "date"
    assert kind("projects", "portion") == "money"
    assert kind("projects", "effort") == "decimal"
    assert kind("companies", "budget") == "money"
    assert kind("companies", "open_tasks") == "integer"
    assert kind("people", "age") == "integer"
    assert kind("people", "employer_name") == "text"


def test_names_of_a_module() -> None:
    names = set(SCOPES.of(SET.by_name["companies"]).names())
    assert {"id", "title", "owner", "name", "parent", "children", "projects", "staff", "notes"} <= names
    assert "stage" not in names
    assert "stage" in set(SCOPES.of(SET.by_name["projects"]).names())


def test_expressions_over_links_of_every_sort() -> None:
    assert check("projects", "company.parent.name == 'Acme' and any(members, contains(name, 'o'))") == []
    assert check("people", "count(projects, stage == 'running') > 2 and age > 30") == []
    assert check("companies", "sum(projects, portion) > money(10, 'EUR') and count(children) > 0") == []
    assert check("notes", "about.title == 'x'") == []
    assert check("people", "employer.budget > money(1, 'EUR') and name.last == 'Doe'") == []


def test_ids_of_symbols() -> None:
    people = SET.by_name["people"]
    symbol = SCOPES.symbol(people, "projects")
    assert symbol is not None and (symbol.id, symbol.kind, symbol.module) == ("projects.members", "links", "people")
    employer = SCOPES.symbol(people, "employer")
    assert employer is not None and (employer.id, employer.kind, employer.type.modules) == (
        "employer",
        "link",
        ("companies",),
    )
    about = SCOPES.symbol(SET.by_name["notes"], "about")
    assert about is not None and about.polymorphic


def test_problems_name_the_column_and_a_near_name() -> None:
    _, problems = SCOPES.check(SET.by_name["projects"], "company.nam == 'x'")
    assert "column" in problems[0].message and "name" in problems[0].hint
    assert check("projects", "stage == 'dun'")


def test_archived_nodes_cannot_be_named() -> None:
    data = modules()
    data["projects"]["fields"][0]["archived"] = True
    scopes = Scopes(build(data))
    assert "name" not in set(scopes.of(scopes.definitions.by_name["projects"]).names())


def test_a_renamed_field_keeps_its_id() -> None:
    data = modules()
    data["tasks"]["fields"][1] |= {"id": "hours", "name": "duration_hours"}
    data["projects"]["fields"][7]["field"] = "duration_hours"
    scopes = Scopes(build(data))
    symbol = scopes.symbol(scopes.definitions.by_name["tasks"], "duration_hours")
    assert symbol is not None and symbol.id == "hours" and symbol.type.kind is Kind.DECIMAL


def test_computed_values_cannot_depend_on_the_actor_or_the_moment() -> None:
    data = modules()
    data["people"]["fields"].append({"name": "mine", "type": "formula", "label": "Mine", "formula": "owner == me"})
    data["people"]["fields"].append(
        {"name": "hours", "type": "formula", "label": "H", "formula": "hours_between(created_at, now())"}
    )
    scopes = Scopes(build(data))
    people = scopes.definitions.by_name["people"]
    assert [scopes.calculation(people, field)[1][0].code for field in people.fields[-2:]] == [
        "not_storable",
        "not_storable",
    ]
