"""Patterns of text fields: only regular expressions that mean the same in Python and JavaScript and cannot run away."""

from __future__ import annotations

import re
from dataclasses import dataclass
from re import _parser  # type: ignore[attr-defined]
from typing import Any

LONGEST_PATTERN = 200
_PATHS = 300_000
"""How many ways a text may be tried against a pattern at most: two open repetitions over 500 characters, not three."""
_LATIN = range(0x250)
_OTHER = -1
_EVERYTHING = frozenset((*_LATIN, _OTHER))
_REPEATS = frozenset({"MAX_REPEAT", "MIN_REPEAT"})
_DIGITS = frozenset(range(0x30, 0x3A))
_WORD = frozenset((*range(0x30, 0x3A), *range(0x41, 0x5B), *range(0x61, 0x7B), 0x5F))
_SPACE = frozenset((0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0x20))
_CATEGORIES = {"CATEGORY_DIGIT": _DIGITS, "CATEGORY_WORD": _WORD, "CATEGORY_SPACE": _SPACE}
_ANCHORS = frozenset({"AT_BEGINNING", "AT_END"})

Characters = frozenset[int]


class UnsafePattern(ValueError):
    """A pattern that is not accepted; the text says why."""


def safe_pattern(pattern: str, longest: int) -> re.Pattern[str]:
    """The compiled pattern for texts up to `longest` characters, for use with `fullmatch`; raises `UnsafePattern`."""
    if len(pattern) > LONGEST_PATTERN:
        raise UnsafePattern(f"a pattern has at most {LONGEST_PATTERN} characters")
    if re.search(r"\(\?(?!:)", pattern.replace("\\\\", "").replace("\\(", "")):
        raise UnsafePattern("only plain groups ( ) and (?: ) can be used: no flags, names, look-around or conditions")
    try:
        # ASCII makes \d, \w and \s mean what they mean in JSON Schema and in the browser.
        compiled = re.compile(pattern, re.ASCII)
        tree = _parser.parse(pattern, re.ASCII)
    except (re.error, OverflowError, RecursionError) as error:
        raise UnsafePattern(f"this is not a regular expression: {error}") from None
    if _Walk(longest).sequence(list(tree), frozenset()).ways > _PATHS:
        raise UnsafePattern(
            "several open repetitions can match the same text in too many ways; separate them or bound them"
        )
    return compiled


def begins_at_start(pattern: str) -> bool:
    """Whether the pattern can match at the beginning of a text only, because it begins with ^."""
    tree = _parser.parse(pattern, re.ASCII)
    return bool(len(tree)) and str(tree[0][0]) == "AT" and str(tree[0][1]) == "AT_BEGINNING"


@dataclass(frozen=True, slots=True)
class _Part:
    """What is known of a piece of a pattern: the characters it begins with, if it may be empty, its ways to match."""

    first: Characters
    empty: bool
    ways: int


class _Walk:
    """Walks the parsed tree from right to left, so that each piece knows what may follow it."""

    def __init__(self, longest: int) -> None:
        self.longest = longest

    def sequence(self, items: list[Any], follow: Characters) -> _Part:
        ways, empty, first = 1, True, frozenset[int]()
        for item in reversed(items):
            part = self.item(item, first | follow if empty else first)
            ways = min(ways * part.ways, _PATHS + 1)
            first = part.first | first if part.empty else part.first
            empty = empty and part.empty
        return _Part(first, empty, ways)

    def item(self, item: tuple[Any, Any], follow: Characters) -> _Part:
        name, value = str(item[0]), item[1]
        if name in _REPEATS:
            return self.repeat(value[0], value[1], list(value[2]), follow)
        if name == "SUBPATTERN":
            return self.sequence(list(value[3]), follow)
        if name == "BRANCH":
            return self.branch([list(branch) for branch in value[1]], follow)
        if name == "AT" and str(value) in _ANCHORS:
            return _Part(frozenset(), True, 1)
        return _Part(_characters(name, value), False, 1)

    def branch(self, branches: list[list[Any]], follow: Characters) -> _Part:
        parts = [self.sequence(branch, follow) for branch in branches]
        first: Characters = frozenset()
        apart = sum(part.empty for part in parts) < 2
        for part in parts:
            starts = part.first | follow if part.empty else part.first
            apart = apart and not (first & starts)
            first |= starts
        ways = max(part.ways for part in parts) if apart else sum(part.ways for part in parts)
        return _Part(frozenset().union(*(part.first for part in parts)), any(part.empty for part in parts), ways)

    def repeat(self, low: int, high: Any, body: list[Any], follow: Characters) -> _Part:
        times = min(int(high), self.longest)
        alone = self.sequence(body, frozenset())
        if alone.empty and times > 1:
            raise UnsafePattern("a repetition of something that may be empty cannot be used")
        inner = self.sequence(body, follow | alone.first if times > 1 else follow)
        ways = 1
        if inner.ways > 1:
            # Every round multiplies the ways of the one before: this is how patterns run away.
            ways = inner.ways ** min(times, 20)
        if low < times and alone.first & follow:
            ways *= times - low + 1
        elif alone.empty and low == 0:
            ways *= 2
        return _Part(alone.first, low == 0 or alone.empty, min(ways, _PATHS + 1))


def _characters(name: str, value: Any) -> Characters:
    if name == "LITERAL":
        return frozenset((_code(value),))
    if name == "NOT_LITERAL":
        return _EVERYTHING - frozenset((value,)) if value in _LATIN else _EVERYTHING
    if name == "ANY":
        return _EVERYTHING
    if name == "IN":
        return _class(value)
    words = {
        "GROUPREF": "a reference to an earlier group",
        "POSSESSIVE_REPEAT": "a possessive repetition",
        "AT": "this anchor",
    }
    raise UnsafePattern(f"{words.get(name, 'this construct')} cannot be used in a pattern")


def _class(members: list[tuple[Any, Any]]) -> Characters:
    found: set[int] = set()
    negated = False
    for kind, value in members:
        name = str(kind)
        if name == "NEGATE":
            negated = True
        elif name == "LITERAL":
            found.add(_code(value))
        elif name == "RANGE":
            found.update(code for code in range(value[0], min(value[1], _LATIN[-1]) + 1))
            if value[1] > _LATIN[-1]:
                found.add(_OTHER)
        else:
            category = str(value)
            base = _CATEGORIES.get(category.replace("_NOT_", "_"))
            if base is None:
                raise UnsafePattern("this character class cannot be used in a pattern")
            found |= _EVERYTHING - base if "_NOT_" in category else base
    if negated:
        # Characters beyond Latin are one bundle here: leaving out some of them leaves the bundle in.
        return _EVERYTHING - (frozenset(found) - {_OTHER})
    return frozenset(found)


def _code(value: int) -> int:
    return value if value in _LATIN else _OTHER


def example_of(pattern: str) -> str:
    """A short text that a safe pattern matches; "" where that is not plain to see."""
    text = _write(list(_parser.parse(pattern, re.ASCII)))
    return text if re.compile(pattern, re.ASCII).fullmatch(text) else ""


def _write(items: list[Any]) -> str:
    found = ""
    for operation, value in items:
        name = str(operation)
        if name in _REPEATS:
            low, high, body = value
            found += _write(list(body)) * max(low, min(1, int(high)))
        elif name == "SUBPATTERN":
            found += _write(list(value[3]))
        elif name == "BRANCH":
            found += _write(list(value[1][0]))
        elif name == "LITERAL":
            found += chr(value)
        elif name != "AT":
            characters = _characters(name, value)
            found += next((sign for sign in "Aa1-. " if ord(sign) in characters), chr(max(characters, default=0x2D)))
    return found
