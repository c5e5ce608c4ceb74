"""From the cells of a row to an input of the engine: values parsed, links and users still to be found."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from xrm_core.catalog import CompiledModule
from xrm_core.fields import Field, ParseContext, Rejected, field_of_kind
from xrm_core.fields.capabilities import HoldsUsers
from xrm_core.importing.mapping import Assigned, Mapping
from xrm_core.importing.reader import Line
from xrm_core.importing.targets import KEY, Target
from xrm_core.kernel.kinds import Kind
from xrm_core.kernel.labels import label_text
from xrm_core.kernel.problem import Problem, pointer
from xrm_core.kernel.text import fold
from xrm_core.records.inputs import Input
from xrm_core.storage.imports import MOST_KEY

_SEVERAL = re.compile(r"[|;\n]")
_WITH_TIME = re.compile(r"(\d{4}-\d\d-\d\d|\d{1,2}[./-]\d{1,2}[./-]\d{4})[T ]\d{1,2}:\d\d.*")
_REMEMBERED = 4_000
MOST_LINKS = 1_000

Rewrite = Callable[[str], str]
"""Turns the text of a cell into another before it is parsed, such as a relative day into a date."""


@dataclass(frozen=True, slots=True)
class Ask:
    """A link or user that a cell names: what has to be found before the row can be stored."""

    target: Target
    text: str
    column: str


@dataclass(slots=True)
class Item:
    """A row on its way into the engine."""

    line: Line
    input: Input
    asks: list[Ask] = field(default_factory=list)
    key: str | None = None
    id: UUID | None = None
    created_at: datetime | None = None
    stage_entered_at: datetime | None = None
    problems: list[Problem] = field(default_factory=list)
    """With a column's name in the path, as `/columns/NAME`."""
    given: set[str] = field(default_factory=set)
    """Ids of what the row has a value for."""
    promised: set[str] = field(default_factory=set)
    """Names of links to records that a dry run would have made."""


@dataclass(slots=True)
class _Step:
    """One column that is parsed on its own."""

    index: int
    column: str
    key: str
    parse: Callable[[str, ParseContext], Any]
    table: dict[str, str] | None
    seen: dict[str, Any] = field(default_factory=dict)


class Converter:
    """Turns lines into items for one module and mapping; made once per file and version of the definitions."""

    def __init__(
        self,
        module: CompiledModule,
        assigned: Sequence[Assigned],
        mapping: Mapping,
        constants: Sequence[tuple[Target, str]],
        context: ParseContext,
        rewrite: Rewrite | None = None,
    ) -> None:
        self.module = module
        self.mapping = mapping
        self.context = context
        self.rewrite = rewrite
        self.steps: list[_Step] = []
        self.parts: dict[str, list[_Step]] = {}
        self.others: list[tuple[int, str, Target, dict[str, str] | None]] = []
        self.column_of: dict[str, str] = {}
        """Name of a field, link or system field to the column it comes from."""
        for one in assigned:
            if one.target is not None:
                self._add(one.index, one.column, one.target, mapping.values.get(one.column))
        self._constants: list[str] = []
        for offset, (target, text) in enumerate(constants):
            # Constants stand behind the cells of a row, as if they were columns.
            self._constants.append(text)
            self._add(-(offset + 1), target.text, target, None)
        self._constants.reverse()
        self.stage_names = _stage_names(module)
        self._moment = field_of_kind(Kind.INSTANT)

    def _add(self, index: int, column: str, target: Target, table: dict[str, str] | None) -> None:
        self.column_of.setdefault(target.name, column)
        if target.kind == "field":
            known = self.module.fields[target.name]
            parse = known.definition.parse_text
            if known.definition.kind is Kind.DATE:
                parse = partial(_day, parse)
            self.steps.append(_Step(index, column, known.id, parse, table))
        elif target.kind == "part":
            known = self.module.fields[target.name]
            part = field_of_kind(known.definition.attributes[target.detail])
            plain = part.parse_text if part.kind is not Kind.TEXT else _as_it_is
            self.parts.setdefault(known.id, []).append(_Step(index, column, target.detail, plain, table))
        else:
            self.others.append((index, column, target, table))

    def item(self, line: Line) -> Item:
        """The row as an item, with all problems of its cells."""
        found = Item(line, Input())
        cells = line.cells
        if self._constants:
            cells = [*cells, *self._constants]
        values, given, context, rewrite = found.input.values, found.given, self.context, self.rewrite
        for step in self.steps:
            text = cells[step.index].strip()
            if step.table is not None and text:
                text = replaced(step.table, text)
            if not text:
                if self.mapping.empty == "clear":
                    values[step.key] = None
                continue
            seen = step.seen
            if text in seen:
                values[step.key] = seen[text]
            else:
                try:
                    value = step.parse(rewrite(text) if rewrite else text, context)
                except Rejected as rejected:
                    found.problems += located(step.column, rejected.problems)
                    given.add(step.key)
                    continue
                values[step.key] = value
                if len(seen) < _REMEMBERED:
                    seen[text] = value
            given.add(step.key)
        if self.parts:
            self._compose(found, cells)
        for index, column, target, table in self.others:
            text = cells[index].strip()
            if table is not None and text:
                text = replaced(table, text)
            self._other(found, column, target, text)
        return found

    def _compose(self, found: Item, cells: Sequence[str]) -> None:
        for key, steps in self.parts.items():
            definition: Field = self.module.fields_by_id[key].definition
            value: dict[str, Any] = {}
            try:
                for step in steps:
                    text = cells[step.index].strip()
                    if step.table is not None and text:
                        text = replaced(step.table, text)
                    if text:
                        value[step.key] = step.parse(self.rewrite(text) if self.rewrite else text, self.context)
                if value:
                    found.given.add(key)
                    found.input.values[key] = definition.parse(value, self.context)
                elif self.mapping.empty == "clear":
                    found.input.values[key] = None
            except Rejected as rejected:
                by_part = {step.key: step.column for step in steps}
                for problem in rejected.problems:
                    column = by_part.get(problem.path.split("/")[1] if "/" in problem.path else "", steps[0].column)
                    found.problems += located(column, [problem])

    def _other(self, found: Item, column: str, target: Target, text: str) -> None:
        kind = target.kind
        if kind in ("link", "user", "owner"):
            self._ask(found, column, target, text)
        elif not text:
            return
        elif kind == "key":
            if len(text) > MOST_KEY:
                found.problems += located(column, [Problem("too_long", "", f"A key has at most {MOST_KEY} characters.")])
            else:
                found.key = text
        elif kind == "stage":
            name = self.stage_names.get(fold(text))
            if name is None:
                known = ", ".join(self.module.stages)
                message = f"There is no stage {text[:50]!r}."
                found.problems += located(column, [Problem("unknown_stage", "", message, f"Stages: {known}.")])
            found.input.stage = name
        elif kind == "reason":
            found.input.reason = text
        elif kind == "id":
            try:
                found.id = UUID(text)
            except ValueError:
                found.problems += located(column, [Problem("id", "", "This is not the id of a record.")])
        else:
            self._time(found, column, kind, text)

    def _time(self, found: Item, column: str, kind: str, text: str) -> None:
        try:
            value = self._moment.parse_text(self.rewrite(text) if self.rewrite else text, self.context)
        except Rejected as rejected:
            found.problems += located(column, rejected.problems)
            return
        moment = datetime.fromisoformat(value)
        if not 1970 <= moment.year <= 9000:
            found.problems += located(column, [Problem("time", "", "This time is too far away.")])
        elif kind == "created_at":
            found.created_at = moment
        else:
            found.stage_entered_at = moment

    def _ask(self, found: Item, column: str, target: Target, text: str) -> None:
        link = self.module.links.get(target.name) if target.kind == "link" else None
        if not text:
            if self.mapping.empty == "clear":
                if target.kind == "owner":
                    found.input.has_owner = True
                elif link is None:
                    found.input.values[self.module.fields[target.name].id] = None
                elif link.many:
                    found.input.many[link.id] = []
                else:
                    found.input.links[link.id] = None
            return
        several = link.many if link is not None else target.kind == "user" and self._several_users(target.name)
        texts = [part for raw in _SEVERAL.split(text) if (part := raw.strip())] if several else [text]
        if len(texts) > MOST_LINKS:
            found.problems += located(column, [Problem("too_many", "", f"At most {MOST_LINKS} links at once.")])
            return
        found.asks += [Ask(target, one, column) for one in texts]

    def _several_users(self, name: str) -> bool:
        definition = self.module.fields[name].definition
        return isinstance(definition, HoldsUsers) and definition.kind is Kind.LIST

    @property
    def has_key(self) -> bool:
        """Whether rows have keys of another system."""
        return KEY in self.column_of


def replaced(table: dict[str, str], text: str) -> str:
    """The text that a cell stands for."""
    return table.get(text, table.get("*", text))


def located(column: str, problems: Sequence[Problem]) -> list[Problem]:
    """Problems of a cell, with its column in front of their place."""
    return [problem.under(pointer("columns", column)) for problem in problems]


def _day(parse: Callable[[str, ParseContext], Any], text: str, context: ParseContext) -> Any:
    """A day; exports often write a time behind it."""
    found = _WITH_TIME.fullmatch(text)
    return parse(found[1] if found else text, context)


def _as_it_is(text: str, context: ParseContext) -> str:
    return text


def _stage_names(module: CompiledModule) -> dict[str, str]:
    """Stages by what people call them: name and label in every language."""
    found: dict[str, str] = {}
    for stage in module.stages.values():
        if stage.archived:
            continue
        labels = [stage.label] if isinstance(stage.label, str) else stage.label.values()
        for text in (stage.name, *labels, label_text(stage.label)):
            found.setdefault(fold(text), stage.name)
    return found
