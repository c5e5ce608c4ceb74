"""Titles: plain text with expressions between {{ and }}."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from xrm_core.expressions.arithmetic import zone_of
from xrm_core.expressions.checker import check
from xrm_core.expressions.evaluate import Env, compile
from xrm_core.expressions.parser import parse
from xrm_core.expressions.printer import print_node
from xrm_core.expressions.reads import Reads, reads
from xrm_core.expressions.scope import Scope, behind
from xrm_core.expressions.tree import Node
from xrm_core.expressions.typed import Read, Typed
from xrm_core.expressions.types import TEXT
from xrm_core.expressions.values import Duration, Money, Rate
from xrm_core.kernel.kinds import Kind
from xrm_core.kernel.problem import Problem

MAX_TEMPLATE = 10_000
MAX_PARTS = 60
MAX_TITLE = 500
_INSIDE = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|\}\}|[^'\"}]+|.", re.DOTALL)
_BLANKS = re.compile(r"\s+")
Formatter = Callable[[Typed, Any, Env], str]


@dataclass(frozen=True, slots=True)
class Template:
    """A template as it was written: texts and expressions in their order."""

    parts: tuple[str | Node, ...]

    @property
    def text(self) -> str:
        return "".join(part if isinstance(part, str) else f"{{{{ {print_node(part)} }}}}" for part in self.parts)


@dataclass(frozen=True)
class TypedTemplate:
    """A template whose expressions are checked."""

    parts: tuple[str | Typed, ...]

    def reads(self) -> Reads:
        """What all its expressions together depend on."""
        found = [reads(part) for part in self.parts if isinstance(part, Typed)]
        return Reads(
            paths=frozenset().union(*(one.paths for one in found)),
            over=frozenset().union(*(one.over for one in found)),
            uses_today=any(one.uses_today for one in found),
            uses_now=any(one.uses_now for one in found),
            uses_me=any(one.uses_me for one in found),
        )

    def compile(self, formatter: Formatter | None = None) -> Callable[[Env], str]:
        """The function that renders the template: one line, at most `MAX_TITLE` characters."""
        shown = formatter or format_value
        pieces: list[str | tuple[Typed, Callable[[Env], Any]]] = [
            part if isinstance(part, str) else (part, compile(part)) for part in self.parts
        ]

        def render(env: Env) -> str:
            found = [piece if isinstance(piece, str) else shown(piece[0], piece[1](env), env) for piece in pieces]
            return tidy("".join(found))

        return render


def parse_template(source: str) -> tuple[Template | None, list[Problem]]:
    """The parts of a template, or its problems."""
    if len(source) > MAX_TEMPLATE:
        return None, [
            Problem(
                "too_long", "", f"the template has {len(source)} characters, at most {MAX_TEMPLATE} are allowed", ""
            )
        ]
    parts: list[str | Node] = []
    problems: list[Problem] = []
    at = 0
    while (start := source.find("{{", at)) >= 0:
        if start > at:
            parts.append(source[at:start])
        end = _end(source, start + 2)
        if end is None:
            return None, [*problems, Problem("syntax", "", f"column {start + 1}: '{{{{' is not closed", "Add '}}'.")]
        node, found = parse(source[start + 2 : end])
        problems.extend(
            Problem(one.code, one.path, f"in the expression at column {start + 1}, {one.message}", one.hint)
            for one in found
        )
        if node is not None:
            parts.append(node)
        at = end + 2
        if len(parts) > MAX_PARTS:
            return None, [Problem("too_complex", "", f"a template has at most {MAX_PARTS} parts", "")]
    if at < len(source):
        parts.append(source[at:])
    return (None, problems) if problems else (Template(tuple(parts)), [])


def _end(source: str, at: int) -> int | None:
    for found in _INSIDE.finditer(source, at):
        if found.group() == "}}":
            return found.start()
    return None


def check_template(template: Template, scope: Scope) -> tuple[TypedTemplate | None, list[Problem]]:
    """The checked template, or its problems; a link stands for the title of the record behind it."""
    parts: list[str | Typed] = []
    problems: list[Problem] = []
    for part in template.parts:
        if isinstance(part, str):
            parts.append(part)
            continue
        typed, found = check(part, scope)
        problems.extend(
            Problem(one.code, one.path, f"in {{{{ {print_node(part)} }}}}: {one.message}", one.hint) for one in found
        )
        if typed is not None:
            parts.append(_titled(typed))
    return (None, problems) if problems else (TypedTemplate(tuple(parts)), [])


def _titled(typed: Typed) -> Typed:
    if isinstance(typed, Read) and typed.type.kind is Kind.REFERENCE:
        title = behind(typed.path[-1]).resolve("title")
        if title is not None:
            return Read((*typed.path, title), type=TEXT)
    return typed


def tidy(text: str) -> str:
    """One line without doubled blanks, and without the joints that empty parts leave at the ends."""
    return _BLANKS.sub(" ", text).strip(" -–—,;:|/·")[:MAX_TITLE].rstrip()


def format_value(typed: Typed, value: Any, env: Env) -> str:
    """A value as plain text, by its kind alone; field types format better where one is known."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Duration):
        unit = value.unit.replace("_", " ")
        return f"{format_number(value.value)} {unit[:-1] if value.value == 1 else unit}"
    if isinstance(value, Rate):
        return f"{format_number(value.amount)} {value.currency}/{value.per}"
    if isinstance(value, Money):
        return f"{format_number(value.amount)} {value.currency}"
    if isinstance(value, Decimal):
        return format_number(value)
    if isinstance(value, datetime):
        return value.astimezone(zone_of(env.zone)).strftime("%Y-%m-%d %H:%M")
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(format_value(typed, item, env) for item in value)
    return str(value)


def format_number(value: int | Decimal) -> str:
    """A number with the digits it has, without an exponent."""
    return format(value, "f") if isinstance(value, Decimal) else str(value)
