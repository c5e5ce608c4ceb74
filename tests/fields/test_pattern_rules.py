"""Patterns: what is accepted, and that what is accepted never runs away."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fields.shared import HERE, make, problem
from xrm_core.fields.patterns import UnsafePattern, example_of, safe_pattern

GOOD = [
    r"[A-Z]{2}\d{4}",
    r"(a|b)*c",
    r".*foo.*",
    r"[a-z]+@[a-z]+\.[a-z]{2,6}",
    r"(?:\.[a-z]+)*",
    r"((ab|cd)+x)*",
    r"\d+\d+",
    r"[^@]+@[^@]+",
    r"\(?[0-9]{3}\)?[ -]?[0-9]{4}",
    r"^[A-Z]+$",
    r"(?:a|ab)(?:c|bcd)(?:d*)",
    r"\u00e9+",
    r"\w+(?: \w+)*",
    r"[\u0600-\u06ff]{1,20}",
    r"a??b",
    r"[^\d\s]+",
]
BAD = [
    r"(a+)+",
    r"(a|a)*b",
    r".*a.*b.*c.*",
    r"(\w+\s?)*$",
    r"(a)\1",
    r"(?=a)b",
    r"(?<!a)b",
    r"a*+",
    r"(?>a)",
    r"(?i)a",
    r"(?P<n>a)",
    r"\bfoo",
    r"[a-",
    r"(a?){50}a{50}",
    "a{99999999999}",
    r"(x+x+)+y",
    r"(a*)*",
    r"([a-z]{1,20}){1,20}",
    "a" * 201,
    r"\Aa",
    r"a\Z",
    r"(?(1)a|b)",
    "(" * 150 + ")" * 150 + "*" * 3,
    r"(|)" * 40,
    r"(((a*)?)?)?" * 10,
]


@pytest.mark.parametrize("pattern", GOOD)
def test_accepted(pattern: str) -> None:
    safe_pattern(pattern, 500)
    assert make("text", pattern=pattern).check_settings() == []


@pytest.mark.parametrize("pattern", BAD)
def test_refused_with_a_reason(pattern: str) -> None:
    with pytest.raises(UnsafePattern):
        safe_pattern(pattern, 500)
    (found,) = make("text", pattern=pattern).check_settings()
    assert found.code == "pattern" and found.path == "/pattern" and found.hint


PIECES = [
    "a",
    "b",
    "[ab]",
    ".",
    "\\d",
    "\\w",
    "(",
    "(?:",
    ")",
    "|",
    "*",
    "+",
    "?",
    "{2,5}",
    "{0,30}",
    "*?",
    "ab",
    "[^a]",
    " ",
    "1",
]


@settings(max_examples=400, deadline=None)
@given(
    st.lists(st.sampled_from(PIECES), max_size=14).map("".join), st.sampled_from(["a", "ab", "a1", "aab", "1 ", "b"])
)
def test_nothing_accepted_runs_away(pattern: str, unit: str) -> None:
    try:
        compiled = safe_pattern(pattern, 500)
    except UnsafePattern:
        return
    for text in ((unit * 500)[:499] + "!", "!" + (unit * 500)[:499], (unit * 500)[:500]):
        before = time.perf_counter()
        compiled.fullmatch(text)
        assert time.perf_counter() - before < 0.5


@pytest.mark.parametrize(
    ("pattern", "text"), [(r"[A-Z]{2}\d{4}", "AA1111"), (r"INV-(?:\d{3}|x)", "INV-111"), (r"[^0-9]+", "A")]
)
def test_example_of_a_pattern(pattern: str, text: str) -> None:
    assert example_of(pattern) == text


def test_the_whole_text_must_match() -> None:
    field = make("text", pattern="[A-Z]{2}[0-9]+")
    assert field.parse("AB12", HERE) == "AB12"
    assert problem(field, "xAB12").code == "pattern"
    assert "[A-Z]{2}[0-9]+" in problem(field, "AB12\u0663").hint
