"""What the engine says about wrong input is said in German too: every sentence of the packages people meet in their work."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from xrm_core.expressions import Names, check, parse
from xrm_core.kernel.problem import SPOKEN, Problem
from xrm_core.web.sentences import PLACE, catalogue, for_header, speaker

CORE = Path(__file__).resolve().parents[2] / "xrm_core"
TOLD = {
    "reject": (1, 2), "Problem": (2, 3), "problem": (2, 3), "wrong": (2, 3), "_wrong": (2, 3), "_Wrong": (2, 3),
    "refuse": (1, 2), "bad": (1, 2), "UnsafePattern": (0,),
}  # fmt: skip
"""The calls that say something, and which of their arguments are said."""
HINTS = {"did_you_mean", "arithmetic_hint", "compare_hint"}
"""Functions whose answers are said."""
MODELS = {"definitions", "fields"}
"""Packages whose `ValueError`s are raised while models are read, and are said as sentences."""


def sentences(node: ast.expr, constants: dict[str, ast.expr]) -> list[list[str | None]]:
    """All texts an expression can be, as parts; None stands for a value."""
    match node:
        case ast.Constant(value=str(text)):
            return [[text]]
        case ast.JoinedStr():
            found: list[list[str | None]] = [[]]
            for part in node.values:
                inner = part.value if isinstance(part, ast.FormattedValue) else part
                known = isinstance(inner, ast.Constant | ast.IfExp) or (
                    isinstance(inner, ast.Name) and inner.id in constants
                )
                ends = sentences(inner, constants) if known else [[None]]
                found = [start + end for start in found for end in ends]
            return found
        case ast.BinOp(op=ast.Add()):
            return [a + b for a in sentences(node.left, constants) for b in sentences(node.right, constants)]
        case ast.IfExp():
            return sentences(node.body, constants) + sentences(node.orelse, constants)
        case ast.BoolOp():
            return [parts for value in node.values for parts in sentences(value, constants)]
        case ast.Name(id=name) if name in constants:
            return sentences(constants[name], constants)
        case ast.Subscript(value=ast.Name(id=name)) if isinstance(table := constants.get(name), ast.Dict):
            return [parts for value in table.values for parts in sentences(value, constants)]
        case ast.Call(func=ast.Attribute(value=inner, attr="get"), args=[key, *rest]):
            table = ast.Subscript(inner, key, ast.Load())
            return [parts for value in (table, *rest) for parts in sentences(value, constants)]
    return [[None]]


def alternatives(node: ast.expr, local: dict[str, list[ast.expr]]) -> Iterator[ast.expr]:
    """What an argument can be, where a function makes it before it says it."""
    match node:
        case ast.BoolOp():
            for value in node.values:
                yield from alternatives(value, local)
        case ast.IfExp():
            yield from alternatives(node.body, local)
            yield from alternatives(node.orelse, local)
        case ast.Name(id=name) if name in local:
            rest = {key: values for key, values in local.items() if key != name}
            for value in local[name]:
                yield from alternatives(value, rest)
        case _:
            yield node


def assigned(tree: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    for node in ast.walk(tree):
        match node:
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=value)
                | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
            ):
                yield name, value


def said(scope: ast.AST, models: bool) -> Iterator[tuple[ast.expr, bool]]:
    """The arguments and answers that are said in a function, and whether they become a sentence only then."""
    for call in ast.walk(scope):
        if not isinstance(call, ast.Call):
            continue
        name = getattr(call.func, "id", getattr(call.func, "attr", ""))
        places = TOLD.get(name, ())
        yield from ((call.args[place], False) for place in places if place < len(call.args))
        if places:
            yield from ((one.value, False) for one in call.keywords if one.arg in {"message", "hint"})
        if models and name == "ValueError" and call.args:
            yield call.args[0], True
    if isinstance(scope, ast.FunctionDef) and scope.name in HINTS:
        yield from ((node.value, False) for node in ast.walk(scope) if isinstance(node, ast.Return) and node.value)


def own_words(text: str) -> int:
    return len(re.findall(r"[^\W\d_]{2,}", PLACE.sub(" ", text)))


def sure(text: str) -> bool:
    """Whether a sentence has enough words of its own not to be taken for another one."""
    return not PLACE.search(text) or own_words(text) >= 2 or text[0].isalpha()


def told(path: Path) -> Iterator[str]:
    """The sentences of a file, values as {1}, {2}."""
    tree = ast.parse(path.read_text("utf-8"))
    constants: dict[str, ast.expr] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign):
            constants.update(assigned(node))
    scopes = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    for scope in (tree, *scopes):
        local: dict[str, list[ast.expr]] = {}
        for name, value in assigned(scope) if scope is not tree else ():
            local.setdefault(name, []).append(value)
        for argument, unfinished in said(scope, bool(MODELS & set(path.parts))):
            for node in alternatives(argument, local):
                for parts in sentences(node, constants):
                    number = iter(range(1, 10))
                    text = "".join(part if part is not None else f"{{{next(number)}}}" for part in parts)
                    if unfinished:
                        text = text[:1].upper() + text[1:] + "."
                    if own_words(text) and sure(text):
                        yield text


WORK = ("access", "fields", "importing", "records", "storage", "web")
DESIGN = ("definitions", "publishing", "catalog", "packs", "automation", "messaging", "expressions", "api")


@pytest.mark.parametrize("package", WORK + DESIGN)
def test_every_sentence_is_there_in_german(package: str) -> None:
    wanted = {text for path in (CORE / package).rglob("*.py") for text in told(path)}
    assert wanted
    # A JSON example is the same in every language.
    assert sorted(text for text in wanted - catalogue("de").keys() if not text.startswith('{"')) == []


def test_places_are_the_same_in_both_languages() -> None:
    for english, german in catalogue("de").items():
        assert set(PLACE.findall(german)) <= set(PLACE.findall(english)), english


def test_values_are_filled_in_and_unknown_texts_stay() -> None:
    say = speaker("de")
    assert say is not None
    assert say("At most 3 characters; this has 7.") == "Höchstens 3 Zeichen; dies hat 7."
    assert say("This is not a date.") == "Das ist kein Datum."
    assert say("Something nobody has written.") == "Something nobody has written."
    assert say("") == ""
    assert say("At most {1} characters; this has {2}.") == "Höchstens {1} Zeichen; dies hat {2}."


def filled(text: str) -> str:
    return PLACE.sub(lambda place: f"Wert{place[1]}", text)


def test_each_sentence_is_found_by_its_own_form_and_german_stays_german() -> None:
    say = speaker("de")
    assert say is not None
    for english, german in catalogue("de").items():
        assert sure(english), f"{english} would be taken for too much else"
        assert say(filled(english)) == filled(german)
        assert say(filled(german)) == filled(german)


def test_expressions_say_where_and_with_which_kinds() -> None:
    before = SPOKEN.set(speaker("de"))
    try:
        _, (problem,) = parse("amount >\n  (1 + 2]")
        assert problem.message == "Zeile 2, Spalte 9: „]“ schließt „(“ bei Zeile 2, Spalte 3 nicht"
        assert problem.hint == "Schreiben Sie „)“."
        node, _ = parse("'a' + 1")
        assert node is not None
        _, (problem,) = check(node, Names({}), "'a' + 1")
        assert problem.message == "Spalte 1: „+“ bedeutet nichts zwischen diesen: ein Text und eine ganze Zahl"
    finally:
        SPOKEN.reset(before)


def test_english_needs_nothing() -> None:
    assert speaker("en") is None
    assert for_header("fr, en;q=0.8") is None
    assert for_header("de-AT, en;q=0.8") is speaker("de")


def test_a_problem_speaks_the_language_of_who_is_answered() -> None:
    before = SPOKEN.set(speaker("de"))
    try:
        problem = Problem("date", "/due", "This is not a date.", "Write it like 2026-03-31.")
    finally:
        SPOKEN.reset(before)
    assert problem.message == "Das ist kein Datum."
    assert problem.hint == "Schreiben Sie es wie 2026-03-31."
    assert Problem("date", "/due", "This is not a date.").message == "This is not a date."
