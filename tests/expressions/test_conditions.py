"""Rows of the filter builder: every operator there and back, and what is not a row stays text."""

from __future__ import annotations

import itertools
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.expressions.trees import nodes
from xrm_core.expressions import Node, parse, print_node
from xrm_core.expressions.conditions import OPERATORS, UNITS, from_rows, to_rows

FIELDS = st.sampled_from(["name", "client.industry", "a.b.c", "count(tasks)", "annual(rate)", "annual(job.rate)"])
LINKS = st.sampled_from(["orders", "client.orders"])
TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20).map(
    lambda text: unicodedata.normalize("NFC", text).strip() or "x"
)
"""As they are stored and parsed: composed."""
NUMBERS = st.one_of(st.integers(-(10**20), 10**20).map(str), st.decimals(-1000, 1000, places=2).map(lambda d: format(d, "f")))
NUMBER = NUMBERS.filter(lambda text: not text.startswith("-0")).map(lambda text: {"number": text})
LENGTH = st.builds(lambda n, unit: {"n": n, "unit": unit}, st.integers(1, 9999), st.sampled_from(UNITS))
SPAN = st.builds(lambda n, unit: {"n": n, "unit": unit}, st.integers(1, 9999), st.sampled_from([*UNITS, "quarters"]))
PLAIN = st.one_of(TEXTS, NUMBER, LENGTH, st.booleans(), st.just({"me": True}))
LIST = st.lists(st.one_of(TEXTS, NUMBER), min_size=1, max_size=4)
NAMED = st.sampled_from(["today", "this_week", "last_quarter"])


def row(op: str, fields: Any = FIELDS, value: Any = None) -> st.SearchStrategy[dict[str, Any]]:
    made = {"field": fields, "op": st.just(op)} | ({"value": value} if value is not None else {})
    return st.fixed_dictionaries(made)


def simple_rows() -> dict[str, st.SearchStrategy[dict[str, Any]]]:
    found = {op: row(op, value=PLAIN) for op in ("eq", "ne", "lt", "lte", "gt", "gte")}
    found |= {op: row(op, value=LIST) for op in ("in", "not_in", "has_any", "has_all", "has_none")}
    found |= {op: row(op, value=TEXTS) for op in ("contains", "starts_with", "ends_with", "not_contains")}
    found |= {op: row(op) for op in ("is_empty", "is_not_empty")}
    found |= {op: row(op, value=LENGTH) for op in ("before_last", "after_next")}
    found |= {op: row(op, value=SPAN) for op in ("in_next", "in_last")}
    found |= {op: row(op, value=NAMED) for op in ("within", "not_within")}
    found["between"] = row("between", value=st.lists(st.one_of(TEXTS, NUMBER), min_size=2, max_size=2))
    return found


ROWS = simple_rows()
ANY_ROW = st.one_of(*ROWS.values())
INNER = st.builds(lambda join, items: {"join": join, "items": items}, st.sampled_from(["and", "or"]), st.lists(ANY_ROW, min_size=2, max_size=3))
RELATED = {op: row(op, LINKS, INNER) for op in ("any", "none", "all")}


def test_every_operator_is_covered() -> None:
    assert sorted({**ROWS, **RELATED}) == sorted(OPERATORS)


@pytest.mark.parametrize("op", OPERATORS)
@given(data=st.data())
def test_V1_a_row_is_the_same_after_a_trip_through_text(op: str, data: st.DataObject) -> None:
    given_row = data.draw((ROWS | RELATED)[op])
    document = {"join": "and", "items": [given_row]}
    node, problems = from_rows(document)
    assert node is not None, problems
    again, problems = parse(print_node(node))
    assert again == node, problems
    assert to_rows(again) == document


@given(outer=st.sampled_from(["and", "or"]), rows=st.lists(ANY_ROW, min_size=1, max_size=3), inner=INNER)
def test_V1_groups_survive_two_deep(outer: str, rows: list[dict[str, Any]], inner: dict[str, Any]) -> None:
    inner = {**inner, "join": "or" if outer == "and" else "and"}
    document = {"join": outer, "items": [*rows, inner]}
    node, problems = from_rows(document)
    assert node is not None, problems
    assert to_rows(parse(print_node(node))[0]) == document


@given(nodes())
def test_V1_whatever_is_written_keeps_its_meaning(node: Node) -> None:
    again, problems = from_rows(to_rows(node))
    assert again == node, problems


def test_what_is_no_row_is_text() -> None:
    for text in ("not a == 1", "a + 1 > 2", "lower(name) == 'x'", "a == none", "a if b else c"):
        node, _ = parse(text)
        assert to_rows(node) == {"join": "and", "items": [{"text": print_node(node)}]}  # type: ignore[arg-type]


def test_deeper_groups_are_text() -> None:
    node, _ = parse("a == 1 and (b == 2 or (c == 3 and (d == 4 or e == 5)))")
    rows = to_rows(node)
    assert rows["items"][1]["items"][1] == {"text": "c == 3 and (d == 4 or e == 5)"}
    assert from_rows(rows)[0] == node


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        {"join": "xor", "items": []},
        {"join": "and"},
        {"join": "and", "items": [7]},
        {"join": "and", "items": [{"text": "a =="}]},
        {"join": "and", "items": [{"text": 7}]},
        {"join": "and", "items": [{"field": "a", "op": "nope"}]},
        {"join": "and", "items": [{"field": "A; drop", "op": "is_empty"}]},
        {"join": "and", "items": [{"field": "a", "op": "eq"}]},
        {"join": "and", "items": [{"field": "a", "op": "eq", "value": {"number": "12e9"}}]},
        {"join": "and", "items": [{"field": "a", "op": "in", "value": []}]},
        {"join": "and", "items": [{"field": "a", "op": "between", "value": ["x"]}]},
        {"join": "and", "items": [{"field": "a", "op": "in_next", "value": {"n": 0, "unit": "days"}}]},
        {"join": "and", "items": [{"field": "a", "op": "before_last", "value": {"n": 3, "unit": "quarters"}}]},
        {"join": "and", "items": [{"field": "a", "op": "within", "value": 3}]},
        {"join": "and", "items": [{"field": "a", "op": "any", "value": 3}]},
        {"join": "and", "items": [{"field": "a", "op": "is_empty", "more": 1}]},
    ],
)
def test_rubbish_is_refused_with_its_place(document: Any) -> None:
    node, problems = from_rows(document)
    assert node is None and problems[0].message


def test_depth_is_limited() -> None:
    document: dict[str, Any] = {"join": "and", "items": [{"field": "a", "op": "is_empty"}]}
    for join in itertools.islice(itertools.cycle(["or", "and"]), 200):
        document = {"join": join, "items": [document, {"field": "b", "op": "is_empty"}]}
    node, problems = from_rows(document)
    assert node is None and problems[0].code == "too_complex"
