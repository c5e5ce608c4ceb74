"""The graph of computed values: order, readers, cycles."""

from __future__ import annotations

import random

from tests.definitions.sample import build, modules
from xrm_core.definitions.checks import check
from xrm_core.definitions.dependencies import Graph
from xrm_core.definitions.dependencies import build as graph_of
from xrm_core.definitions.scope import Scopes


def graph(data: dict[str, dict[str, object]] | None = None) -> Graph:
    return graph_of(Scopes(build(data)))


def test_every_value_comes_after_what_it_needs() -> None:
    found = graph()
    for reader, dependencies in found.reads.items():
        for dependency in dependencies:
            if dependency.read in found.position:
                assert found.position[dependency.read] < found.position[reader]


def test_readers_know_the_way() -> None:
    found = graph()
    ways = {d.reader: [symbol.id for symbol in d.path] for d in found.readers["tasks", "done"]}
    assert ways == {("companies", "open_tasks"): ["projects.company", "tasks.project"]}
    assert ("projects", "title") in {d.reader for d in found.readers["companies", "name"]}
    assert {d.reader for d in found.readers["projects", "company"]} >= {
        ("companies", "budget"),
        ("companies", "open_tasks"),
        ("projects", "title"),
    }
    # A polymorphic link reads the title of each module it may lead to.
    assert ("notes", "title") in {d.reader for d in found.readers["people", "title"]}


def test_affected_is_transitive_and_ordered() -> None:
    affected = graph().affected([("companies", "name")])
    assert affected.index(("companies", "title")) < affected.index(("notes", "title"))
    assert ("people", "employer_name") in affected


def test_what_the_clock_moves() -> None:
    assert graph().clock == {("people", "age")}
    data = modules()
    data["companies"]["fields"].append(
        {"name": "oldest", "type": "rollup", "label": "Oldest", "link": "staff", "function": "max", "field": "age"}
    )
    assert graph(data).clock == {("people", "age"), ("companies", "oldest")}


def test_cycles_are_named() -> None:
    data = modules()
    data["projects"]["fields"] += [{"name": "weight", "type": "formula", "label": "W", "formula": "company.weight * 2"}]
    data["companies"]["fields"] += [
        {"name": "weight", "type": "rollup", "label": "W", "link": "projects", "function": "sum", "field": "weight"}
    ]
    problems = check(build(data))
    assert [p.code for p in problems] == ["cycle"]
    assert "companies.weight → projects.weight → companies.weight" in problems[0].message
    assert problems[0].path == "/modules/companies/fields/4"


def test_a_value_that_reads_itself_over_a_self_link() -> None:
    data = modules()
    data["companies"]["fields"] += [
        {"name": "level", "type": "formula", "label": "L", "formula": "coalesce(parent.level, 0) + 1"}
    ]
    assert [p.code for p in check(build(data))] == ["cycle"]


def test_random_chains_come_out_in_order() -> None:
    random.seed(7)
    names = [f"f{number}" for number in range(200)]
    fields = [{"name": names[0], "type": "integer", "label": "F"}]
    fields += [
        {
            "name": name,
            "type": "formula",
            "label": "F",
            "formula": f"{random.choice(names[:index])} + {random.choice(names[:index])}",
        }
        for index, name in enumerate(names)
        if index
    ]
    random.shuffle(fields)
    data = {"m": {"name": "m", "label": "M", "label_plural": "Ms", "title": "{{ f0 }}", "fields": fields}}
    found = graph(data)
    assert not found.cycles
    for reader, dependencies in found.reads.items():
        assert all(found.position[d.read] < found.position[reader] for d in dependencies if d.read in found.position)
