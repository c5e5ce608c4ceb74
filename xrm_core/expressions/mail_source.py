"""Texts of mails: expressions in {{ }} and conditions in {% if %}, checked, with the place of what is wrong."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from xrm_core.expressions.checker import check, check_condition
from xrm_core.expressions.parser import parse
from xrm_core.expressions.scope import Names, Scope, Symbol, behind
from xrm_core.expressions.typed import Read, Typed
from xrm_core.expressions.types import TEXT
from xrm_core.kernel.kinds import Kind
from xrm_core.kernel.problem import Problem

LONGEST = 100_000
MOST_EXPRESSIONS = 300
MOST_BLOCKS = 200
OWN = ("sender_name", "sender_email", "workspace_name", "unsubscribe_url", "recipient_email")
"""Names that templates may use beside those of the record."""
_TOKEN = re.compile(r"\{\{|\{%|\{#")
_INSIDE = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|[-+]?%\}|\}\}|[^'\"%}+-]+|.", re.DOTALL)
_KEYWORD = re.compile(r"\s*(if|elif|else|endif)\b\s*(.*)", re.DOTALL)


@dataclass
class Checked:
    """A template whose expressions are checked: Jinja source that refers to them by number."""

    source: str
    expressions: list[Typed] = field(default_factory=list)
    conditions: set[int] = field(default_factory=set)


@dataclass(frozen=True)
class _WithOwn:
    """The names of a record, and our own beside them."""

    inner: Scope
    own: Names

    def resolve(self, name: str) -> Symbol | None:
        return self.own.resolve(name) or self.inner.resolve(name)

    def names(self) -> Sequence[str]:
        return [*self.own.names(), *self.inner.names()]


_OWN = Names.of([Symbol(name, f"${name}", TEXT, "system") for name in OWN])


def check_source(source: str, scope: Scope) -> tuple[Checked | None, list[Problem]]:
    """A template with its expressions checked, or everything that is wrong, with line and column."""
    if len(source) > LONGEST:
        return None, [Problem("too_long", "", f"The template has more than {LONGEST} characters.")]
    checked, problems, depth, blocks = Checked(""), list[Problem](), 0, 0
    pieces: list[str] = []
    names = _WithOwn(scope, _OWN)
    at = 0
    while (found := _TOKEN.search(source, at)) is not None:
        pieces.append(source[at : found.start()])
        kind = found.group()
        where = _place(source, found.start())
        if kind == "{#":
            end = source.find("#}", found.end())
            if end < 0:
                problems.append(Problem("syntax", "", f"{where}: '{{#' is not closed.", "Add '#}'."))
                return None, problems
            at = end + 2
            continue
        close = _close(source, found.end(), "}}" if kind == "{{" else "%}")
        if close is None:
            closing = "}}" if kind == "{{" else "%}"
            problems.append(Problem("syntax", "", f"{where}: '{kind}' is not closed.", f"Add '{closing}'."))
            return None, problems
        inner = source[found.end() : close[0]]
        at = close[1]
        if kind == "{{":
            number = _expression(inner, names, checked, problems, where, condition=False)
            pieces.append(f"{{{{ v[{number}] }}}}")
            continue
        blocks += 1
        word = _KEYWORD.fullmatch(inner.strip("-+ \n\t"))
        if word is None:
            hint = "Templates know {% if %}, {% elif %}, {% else %} and {% endif %}."
            problems.append(Problem("statement", "", f"{where}: this statement is not known here.", hint))
            continue
        keyword, rest = word[1], word[2].strip()
        depth += {"if": 1, "endif": -1}.get(keyword, 0)
        if depth < 0 or depth > 20:
            problems.append(Problem("syntax", "", f"{where}: {keyword} without if, or too deep."))
            return None, problems
        if keyword in ("if", "elif"):
            number = _expression(rest, names, checked, problems, where, condition=True)
            pieces.append(f"{{% {keyword} v[{number}] %}}")
        else:
            pieces.append(f"{{% {keyword} %}}")
    pieces.append(source[at:])
    if depth:
        problems.append(Problem("syntax", "", "An {% if %} is not closed.", "Add {% endif %}."))
    if len(checked.expressions) > MOST_EXPRESSIONS or blocks > MOST_BLOCKS:
        problems.append(Problem("too_complex", "", f"A template has at most {MOST_EXPRESSIONS} expressions."))
    if problems:
        return None, problems
    checked.source = "".join(pieces)
    return checked, []


def _place(source: str, at: int) -> str:
    line = source.count("\n", 0, at) + 1
    return f"line {line}, column {at - source.rfind(chr(10), 0, at)}"


def _close(source: str, at: int, end: str) -> tuple[int, int] | None:
    for found in _INSIDE.finditer(source, at):
        text = found.group()
        if text.endswith(end) and text[0] not in "'\"":
            return found.start(), found.end()
    return None


def _expression(
    text: str, scope: Scope, checked: Checked, problems: list[Problem], where: str, *, condition: bool
) -> int:
    node, found = parse(text.strip())
    typed: Typed | None = None
    if node is not None:
        typed, found = check_condition(node, scope) if condition else check(node, scope)
    problems += [
        Problem(one.code, one.path, f"{where}, in {text.strip()[:80]!r}: {one.message}", one.hint) for one in found
    ]
    if typed is None:
        return 0
    if isinstance(typed, Read) and typed.type.kind is Kind.REFERENCE and typed.path[-1].kind == "link":
        title = behind(typed.path[-1]).resolve("title")
        typed = Read((*typed.path, title), type=TEXT) if title is not None else typed
    if condition:
        checked.conditions.add(len(checked.expressions))
    checked.expressions.append(typed)
    return len(checked.expressions) - 1


def rewritten_source(source: str, change: Callable[[str], str]) -> str:
    """A template with each of its expressions changed; itself where it cannot be read."""
    pieces, at = [], 0
    while (found := _TOKEN.search(source, at)) is not None:
        kind = found.group()
        if kind == "{#":
            end = source.find("#}", found.end())
            if end < 0:
                return source
            pieces.append(source[at : end + 2])
            at = end + 2
            continue
        close = _close(source, found.end(), "}}" if kind == "{{" else "%}")
        if close is None:
            return source
        inner = source[found.end() : close[0]]
        word = _KEYWORD.fullmatch(inner.strip("-+ \n\t")) if kind == "{%" else None
        text = inner.strip() if kind == "{{" else word[2].strip() if word is not None else ""
        changed = inner.replace(text, change(text), 1) if text else inner
        pieces += [source[at : found.end()], changed, source[close[0] : close[1]]]
        at = close[1]
    return "".join([*pieces, source[at:]])
