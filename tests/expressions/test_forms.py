"""Text and JSON are two forms of one tree: there and back nothing is lost."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.expressions.trees import nodes
from xrm_core.expressions import from_json, parse, print_node, to_json
from xrm_core.expressions import tree as n


@settings(max_examples=400, deadline=None)
@given(nodes())
def test_printed_trees_parse_back(node: n.Node) -> None:
    assert parse(print_node(node)) == (node, [])


@settings(max_examples=400, deadline=None)
@given(nodes())
def test_json_and_back(node: n.Node) -> None:
    document = json.loads(json.dumps(to_json(node)))
    found, problems = from_json(document)
    assert problems == []
    assert found == node
    assert to_json(found) == document


LEAVES: list[tuple[str, dict[str, Any]]] = [
    ("name == 'a'", {"field": "name", "op": "eq", "value": "a"}),
    ("name != none", {"field": "name", "op": "ne", "value": None}),
    ("score < 2.5", {"field": "score", "op": "lt", "value": 2.5}),
    ("score <= 3", {"field": "score", "op": "lte", "value": 3}),
    ("score > 3", {"field": "score", "op": "gt", "value": 3}),
    ("active == true", {"field": "active", "op": "eq", "value": True}),
    ("start >= today() - days(7)", {"field": "start", "op": "gte", "value": {"expression": "today() - days(7)"}}),
    ("owner == me", {"field": "owner", "op": "eq", "value": {"expression": "me"}}),
    ("status in ['a', 'b']", {"field": "status", "op": "in", "value": ["a", "b"]}),
    ("status not in ['a']", {"field": "status", "op": "not_in", "value": ["a"]}),
    ("contains(client.name, 'acme')", {"field": "client.name", "op": "contains", "value": "acme"}),
    ("starts_with(name, 'a')", {"field": "name", "op": "starts_with", "value": "a"}),
    ("has_any(tags, ['x'])", {"field": "tags", "op": "has_any", "value": ["x"]}),
    ("has_all(tags, ['x'])", {"field": "tags", "op": "has_all", "value": ["x"]}),
    ("has_none(tags, ['x'])", {"field": "tags", "op": "has_none", "value": ["x"]}),
    ("is_empty(email)", {"field": "email", "op": "is_empty"}),
    ("is_not_empty(email)", {"field": "email", "op": "is_not_empty"}),
    ("between(score, 1, 2)", {"field": "score", "op": "between", "value": [1, 2]}),
    ("within(due, 'next_30_days')", {"field": "due", "op": "within", "value": "next_30_days"}),
    (
        "any(tasks, done == false)",
        {"field": "tasks", "op": "any", "value": {"field": "done", "op": "eq", "value": False}},
    ),
    ("none(tasks)", {"field": "tasks", "op": "none"}),
    ("a + 1 > b", {"expression": "a + 1 > b"}),
    ("not a == 1", {"not": {"field": "a", "op": "eq", "value": 1}}),
]


@pytest.mark.parametrize(("text", "document"), LEAVES)
def test_each_operator(text: str, document: dict[str, Any]) -> None:
    node, _ = parse(text)
    assert node is not None
    assert to_json(node) == document
    assert from_json(document) == (node, [])


def test_empty_groups() -> None:
    assert from_json({"and": []}) == (n.Literal(True), [])
    assert from_json({"or": []}) == (n.Literal(False), [])


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ([], ""),
        ({}, ""),
        ({"and": {}}, "/and"),
        ({"and": [{"field": "a", "op": "eq", "value": 1}, 3]}, "/and/1"),
        ({"field": "a b", "op": "eq", "value": 1}, "/field"),
        ({"field": "a", "op": "equals", "value": 1}, "/op"),
        ({"field": "a", "op": ["eq"], "value": 1}, "/op"),
        ({"field": "a", "op": "eq"}, ""),
        ({"field": "a", "op": "eq", "value": {"x": 1}}, "/value"),
        ({"field": "a", "op": "in", "value": "x"}, "/value"),
        ({"field": "a", "op": "in", "value": [["x"]]}, "/value/0"),
        ({"field": "a", "op": "between", "value": [1]}, "/value"),
        ({"field": "a", "op": "eq", "value": float("nan")}, "/value"),
        ({"field": "a", "op": "eq", "value": 1e308}, "/value"),
        ({"field": "a", "op": "eq", "value": Decimal("1e-400")}, "/value"),
        ({"field": "a", "op": "eq", "value": "\x00"}, "/value"),
        ({"field": "a", "op": "eq", "value": 1, "extra": 2}, "/extra"),
        ({"expression": "a = 1"}, "/expression"),
        ({"field": "a", "op": "any", "value": {"field": 1}}, "/value"),
    ],
)
def test_malformed_json_names_the_place(document: Any, path: str) -> None:
    node, problems = from_json(document)
    assert node is None
    assert problems[0].path == path


def test_deep_json_is_refused() -> None:
    document: dict[str, Any] = {"field": "a", "op": "eq", "value": 1}
    for _ in range(500):
        document = {"not": document}
    node, problems = from_json(document)
    assert node is None and problems[0].code == "too_complex"


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["and", "or", "not", "field", "op", "value", "expression", "x"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None)
@given(_JSON)
def test_any_json_gives_a_tree_or_problems(document: Any) -> None:
    node, problems = from_json(document)
    assert (node is None) == bool(problems)
