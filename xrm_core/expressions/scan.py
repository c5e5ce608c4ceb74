"""The first look at an expression's text: refuses what the language does not have, with the column and the cure."""

from __future__ import annotations

import keyword
import re
import unicodedata
from dataclasses import dataclass

from xrm_core.kernel.problem import Problem

MAX_LENGTH = 4_000
MAX_DEPTH = 40
MAX_NODES = 500
MAX_TOKENS = 1_600
MAX_DIGITS = 40
MAX_PATH = 8

WORDS = frozenset({"and", "or", "not", "in", "if", "else", "True", "False", "None"})
_WORD_HINTS = {
    "is": "Write == (for example: email == none).",
    "AND": "Write and.",
    "OR": "Write or.",
    "NOT": "Write not.",
    "IN": "Write in.",
    "And": "Write and.",
    "Or": "Write or.",
    "Not": "Write not.",
    "null": "Write none.",
    "NULL": "Write none.",
    "Null": "Write none.",
    "nil": "Write none.",
    "undefined": "Write none.",
    "TRUE": "Write true.",
    "FALSE": "Write false.",
}
_SIGN_HINTS = {
    "&&": "Write and.",
    "||": "Write or.",
    "&": "Write and.",
    "|": "Write or.",
    "!": "Write not.",
    "=": "Write == to compare.",
    "===": "Write ==.",
    "!==": "Write !=.",
    "<>": "Write !=.",
    "=>": "Write >=.",
    "=<": "Write <=.",
    ":=": "Write == to compare.",
    "**": "There is no power; multiply instead.",
    "//": "Use floor(a / b).",
    "%": "Write a / 100 for a percentage.",
    "{": "Write lists with [ ].",
    "}": "Write lists with [ ].",
    "?": "Write a if condition else b.",
    ":": "Write a if condition else b.",
    "#": "Comments are not part of an expression.",
    ";": "An expression is one single condition or value; join conditions with and.",
    "`": "Write field names without quotes, texts in '...'.",
    "“": "Write texts in straight quotes: '...'.",
    "”": "Write texts in straight quotes: '...'.",
    "„": "Write texts in straight quotes: '...'.",
    "‘": "Write texts in straight quotes: '...'.",
    "’": "Write texts in straight quotes: '...'.",
    "«": "Write texts in straight quotes: '...'.",
    "»": "Write texts in straight quotes: '...'.",
    "≥": "Write >=.",
    "≤": "Write <=.",
    "≠": "Write !=.",
    "×": "Write *.",
    "÷": "Write /.",
    "−": "Write -.",
    "–": "Write -.",
}
_TOKEN = re.compile(
    r"(?P<space>[ \t\r\n\u00a0]+)|(?P<number>[0-9][0-9A-Za-z_.]*|\.[0-9][0-9A-Za-z_.]*)"
    r"|(?P<word>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<quote>['\"])|(?P<sign>===|!==|==|!=|<=|>=|=>|=<|<>|&&|\|\||\*\*|//|:=|[-+*/<>()\[\],.])|(?P<bad>.)",
    re.DOTALL,
)
_NUMBER = re.compile(r"(0|[1-9][0-9]*)(\.[0-9]+)?")
_SIGNS = frozenset("== != <= >= < > + - * / ( ) [ ] , .".split())
_ESCAPES = "\\'\"ntr"
_CLOSING = {"(": ")", "[": "]"}


@dataclass(frozen=True, slots=True)
class Token:
    """One word, number, sign or text with its place."""

    kind: str
    text: str
    start: int

    @property
    def end(self) -> int:
        return self.start + len(self.text)


def place(source: str, offset: int) -> str:
    """How people call a place in the source: `column 7`, or `line 2, column 7` where there are several lines."""
    before = source[:offset]
    column = offset - (before.rfind("\n") + 1) + 1
    return f"line {before.count(chr(10)) + 1}, column {column}" if "\n" in source else f"column {column}"


def problem(source: str, offset: int, message: str, hint: str = "", code: str = "syntax") -> Problem:
    """A problem at a place of the source."""
    return Problem(code, "", f"{place(source, offset)}: {message}", hint)


def shown(text: str) -> str:
    """A piece of source as it can be shown in a message, whatever is in it."""
    clean = "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text[:40])
    return f"'{clean}'" + ("..." if len(text) > 40 else "")


def scan(source: str) -> tuple[list[Token], str, Problem | None]:
    """The tokens, and the source with blanks alone between them (of the same length); or the first problem."""
    if len(source) > MAX_LENGTH:
        return (
            [],
            source,
            Problem(
                "too_long", "", f"the expression has {len(source)} characters, at most {MAX_LENGTH} are allowed", ""
            ),
        )
    tokens: list[Token] = []
    clean: list[str] = []
    brackets: list[Token] = []
    at = 0
    while at < len(source):
        found = _TOKEN.match(source, at)
        assert found is not None  # the last alternative takes any character
        kind, text = str(found.lastgroup), found.group()
        if kind == "space":
            clean.append(" " * len(text))
            at = found.end()
            continue
        if kind == "quote":
            end, trouble = _text_end(source, at)
            if trouble is None and tokens and tokens[-1].end == at and tokens[-1].kind in ("word", "number"):
                trouble = problem(
                    source,
                    tokens[-1].start,
                    f"{tokens[-1].text} cannot stand before a text",
                    "Put a space or an operator between them.",
                )
            if trouble is not None:
                return tokens, source, trouble
            kind, text = "text", source[at:end]
        else:
            trouble = _refuse(source, kind, text, at)
            if trouble is not None:
                return tokens, source, trouble
        token = Token(kind, text, at)
        trouble = _nesting(source, token, brackets, tokens)
        if trouble is not None:
            return tokens, source, trouble
        tokens.append(token)
        clean.append(text)
        at = token.end
        if len(tokens) > MAX_TOKENS:
            return (
                tokens,
                source,
                problem(
                    source,
                    at,
                    "the expression has too many parts",
                    "Split it into several formula fields.",
                    "too_complex",
                ),
            )
    if brackets:
        return (
            tokens,
            source,
            problem(
                source,
                brackets[-1].start,
                f"'{brackets[-1].text}' is not closed",
                f"Add '{_CLOSING[brackets[-1].text]}'.",
            ),
        )
    if not tokens:
        return (
            tokens,
            source,
            Problem(
                "empty", "", "the expression is empty", "Write a condition or a value, for example: status == 'active'."
            ),
        )
    return tokens, "".join(clean), _runs(source, tokens)


def _text_end(source: str, start: int) -> tuple[int, Problem | None]:
    quote, at = source[start], start + 1
    while at < len(source):
        character = source[at]
        if character == quote:
            return at + 1, None
        if character == "\\":
            if source[at + 1 : at + 2] not in tuple(_ESCAPES):
                return at, problem(
                    source,
                    at,
                    f"{shown(source[at : at + 2])} is not known inside a text",
                    "Write \\\\ for a backslash, \\' for a quote, \\n for a new line.",
                )
            at += 2
            continue
        if character in "\r\n":
            return at, problem(
                source,
                start,
                "this text is not closed on its line",
                f"Add {quote} at its end; write \\n for a new line.",
            )
        if unicodedata.category(character) in ("Cc", "Cs"):
            return at, problem(source, at, f"the character {shown(character)} cannot be used", "Remove it.")
        at += 1
    return at, problem(source, start, "this text is not closed", f"Add {quote} at its end.")


def _refuse(source: str, kind: str, text: str, at: int) -> Problem | None:
    if kind == "number":
        if _NUMBER.fullmatch(text) is None:
            return problem(
                source,
                at,
                f"{shown(text)} is not a number",
                "Write digits with one decimal point, for example 0.5 or 12000.50.",
            )
        if len(text) > MAX_DIGITS:
            return problem(source, at, f"the number has more than {MAX_DIGITS} digits", "")
    elif kind == "word":
        if text in _WORD_HINTS:
            return problem(source, at, f"'{text}' is not part of the language", _WORD_HINTS[text])
        if keyword.iskeyword(text) and text not in WORDS:
            return problem(
                source, at, f"'{text}' is not part of the language", "Only and, or, not, in, if and else join values."
            )
    elif kind == "bad" or text not in _SIGNS:
        if kind == "bad" and text == "=":
            return problem(source, at, "'=' is not part of the language", _SIGN_HINTS["="])
        return problem(source, at, f"{shown(text)} is not part of the language", _SIGN_HINTS.get(text, ""))
    return None


def _nesting(source: str, token: Token, brackets: list[Token], tokens: list[Token]) -> Problem | None:
    if token.kind != "sign":
        return None
    if token.text in _CLOSING:
        brackets.append(token)
        if len(brackets) > MAX_DEPTH:
            return problem(
                source,
                token.start,
                f"brackets are nested more than {MAX_DEPTH} deep",
                "Split the expression.",
                "too_complex",
            )
        if (
            token.text == "["
            and tokens
            and (
                tokens[-1].kind in ("word", "text", "number")
                and tokens[-1].text not in WORDS
                or tokens[-1].text in (")", "]")
            )
        ):
            return problem(
                source,
                token.start,
                "'[' cannot follow a value",
                "There is no indexing; write fields with a dot, for example client.name.",
            )
        if (
            token.text == "("
            and tokens
            and (tokens[-1].kind in ("text", "number") or tokens[-1].text in (")", "]", "True", "False", "None"))
        ):
            return problem(
                source, token.start, "'(' cannot follow a value", "An operator is missing, or a function name."
            )
    elif token.text in (")", "]"):
        if not brackets:
            return problem(
                source, token.start, f"'{token.text}' closes nothing", "Remove it, or open a bracket before."
            )
        opened = brackets.pop()
        if _CLOSING[opened.text] != token.text:
            return problem(
                source,
                token.start,
                f"'{token.text}' does not close '{opened.text}' of {place(source, opened.start)}",
                f"Write '{_CLOSING[opened.text]}'.",
            )
    return None


def _runs(source: str, tokens: list[Token]) -> Problem | None:
    """Long runs of signs before a value, and long paths, would nest without any bracket."""
    prefixes = dots = ifs = 0
    for before, token in zip([None, *tokens], tokens, strict=False):
        prefixes = prefixes + 1 if token.text in ("not", "-", "+") else 0
        dots = (
            dots + 1
            if token.text == "."
            else (dots if token.kind == "word" and before is not None and before.text == "." else 0)
        )
        ifs += token.text == "if"
        if prefixes > MAX_DEPTH or ifs > MAX_DEPTH:
            return problem(
                source,
                token.start,
                "the expression is nested too deep",
                "Split it into several formula fields.",
                "too_complex",
            )
        if dots >= MAX_PATH:
            return problem(
                source,
                token.start,
                f"a path has at most {MAX_PATH} parts",
                "Use a lookup field on the way.",
                "too_complex",
            )
    return None
