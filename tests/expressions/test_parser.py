"""Texts become trees or problems with the column and a hint; no text whatever hangs or breaks the parser."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from xrm_core.expressions import is_name, parse, print_node
from xrm_core.expressions import tree as n


@pytest.mark.parametrize(
    ("source", "tree"),
    [
        ("none", n.Literal(None)),
        ("None", n.Literal(None)),
        ("true", n.Literal(True)),
        ("12.50", n.Literal(Decimal("12.50"))),
        ("-3", n.Literal(-3)),
        ("'it\\'s'", n.Literal("it's")),
        ('"e\u0301"', n.Literal("\u00e9")),
        ("client.owner.name", n.Name(("client", "owner", "name"))),
        ("a + b * 2", n.Binary("+", n.Name(("a",)), n.Binary("*", n.Name(("b",)), n.Literal(2)))),
        ("not a", n.Unary("not", n.Name(("a",)))),
        ("a not in ['x']", n.Compare("not in", n.Name(("a",)), n.ListOf((n.Literal("x"),)))),
        (
            "1 < a <= 2",
            n.Logic(
                "and",
                (n.Compare("<", n.Literal(1), n.Name(("a",))), n.Compare("<=", n.Name(("a",)), n.Literal(2))),
            ),
        ),
        ("a or (b or c)", n.Logic("or", (n.Name(("a",)), n.Name(("b",)), n.Name(("c",))))),
        ("a if b else c", n.Choice(n.Name(("a",)), n.Name(("b",)), n.Name(("c",)))),
        ("  today ( ) ", n.Call("today", ())),
        ("any(tasks, done)", n.Call("any", (n.Name(("tasks",)), n.Name(("done",))))),
        ("none(tasks)", n.Call("none", (n.Name(("tasks",)),))),
        ("a\n  and\n  b", n.Logic("and", (n.Name(("a",)), n.Name(("b",))))),
    ],
)
def test_reads(source: str, tree: n.Node) -> None:
    assert parse(source) == (tree, [])


@pytest.mark.parametrize(
    ("source", "column", "hint"),
    [
        ("a && b", "column 3:", "and"),
        ("a || b", "column 3:", "or"),
        ("status = 'x'", "column 8:", "=="),
        ("a <> b", "column 3:", "!="),
        ("a is none", "column 3:", "=="),
        ("a == NULL", "column 6:", "none"),
        ("a AND b", "column 3:", "and"),
        ("a % 2", "column 3:", "/ 100"),
        ("a ** 2", "column 3:", "multiply"),
        ("lambda: 1", "column 1:", ""),
        ("f'{a}'", "column 1:", "space"),
        ("a[0]", "column 2:", "dot"),
        ("a.upper()", "column 1:", "upper(...)"),
        ("f(x==1, *y)", "column 9:", ""),
        ("f(x=1)", "column 4:", "=="),
        ("(a, b)", "column 1:", "[ ]"),
        ("'a' 'b", "column 5:", "'"),
        ("(a", "column 1:", ")"),
        ("a)", "column 2:", "Remove"),
        ("(a]", "column 3:", ")"),
        ("a b", "column 3:", "and / or"),
        ("a ==", "column 5:", ""),
        ("a == or b", "column 6:", ""),
        ("1.2.3", "column 1:", "decimal point"),
        ("0x10", "column 1:", "digits"),
        ("1e5", "column 1:", "digits"),
        ("'a\\qb'", "column 3:", "backslash"),
        ("“a”", "column 1:", "straight"),
        ("a ≥ 2", "column 3:", ">="),
        ("'ä' == b c", "column 10:", ""),
        ("'ä' == b.c()", "column 8:", "c(...)"),
        ("a\nand b = 1", "line 2, column 7:", "=="),
        ("a if b", "column 7:", "else"),
        ("# hi", "column 1:", "Comments"),
        ("", "", "status == 'active'"),
        ("   ", "", ""),
    ],
)
def test_refuses_with_place_and_hint(source: str, column: str, hint: str) -> None:
    node, problems = parse(source)
    assert node is None
    assert problems[0].message.startswith(column)
    assert hint in problems[0].hint


@pytest.mark.parametrize(
    "source",
    [
        "a" * 4001,
        "(" * 200 + "a" + ")" * 200,
        "not " * 900 + "a",
        "-" * 3000 + "a",
        "a" + "+a" * 1900,
        "a" + " and a" * 600,
        "[" * 41 + "]" * 41,
        "a if b else " * 300 + "c",
        ".".join("a" * 1000),
        "f(" * 60 + ")" * 60,
        "9" * 3000,
        "a < " * 900 + "a",
    ],
)
def test_limits(source: str) -> None:
    node, problems = parse(source)
    assert node is None and problems


@settings(max_examples=400, deadline=500)
@given(st.text(max_size=200) | st.text(alphabet="ab.,()[]'\"\\+-*/<>=!&| \n1notifelsrd\u00e9\x00\ud800", max_size=80))
@example("\x00")
@example("\ud800")
@example("'\ud800'")
@example("a\u2028b")
@example("\ufeffa")
@example("a;b")
@example("...")
@example("a\\\nb")
@example("ｎone")
@example("'\\N{DASH}'")
def test_any_text_gives_a_tree_or_problems(source: str) -> None:
    node, problems = parse(source)
    assert (node is None) == bool(problems)
    for problem in problems:
        problem.message.encode()  # can be sent to anybody
    if node is not None:
        assert parse(print_node(node)) == (node, [])


def test_spans_are_offsets_in_the_source() -> None:
    source = "name == 'é' and  cliént".replace("é", "e") + " == 'ü'"
    node, _ = parse(source)
    assert isinstance(node, n.Logic)
    right = node.items[1]
    assert source[right.span.start : right.span.end] == "client == 'ü'"


def test_names_of_definitions() -> None:
    assert is_name("start_date") and is_name("month") and is_name("any")
    assert not any(is_name(word) for word in ("class", "from", "none", "true", "me", "is", "a b", "1a", ""))
