"""Expressions: formulas, roll-ups, lookups, defaults, conditions and titles can be read and fit their place."""

from __future__ import annotations

from collections.abc import Iterator

from xrm_core.definitions.checks.base import Subject, at
from xrm_core.definitions.module import Module
from xrm_core.definitions.scope import field_type
from xrm_core.expressions.hints import named
from xrm_core.expressions.template import TypedTemplate
from xrm_core.expressions.types import Type
from xrm_core.fields.base import Field
from xrm_core.kernel.kinds import NUMERIC, Kind
from xrm_core.kernel.problem import Problem, under


def check(subject: Subject) -> Iterator[Problem]:
    """All problems of expressions in modules (those of rules and views have checks of their own)."""
    for module in subject.modules():
        yield from _titles(subject, module)
        for index, field in enumerate(module.fields):
            if not field.archived:
                yield from _field(subject, module, field, at(module, "fields", index))
        yield from _links(subject, module)
        yield from _stages(subject, module)


def condition(subject: Subject, module: Module, source: str, path: str) -> Iterator[Problem]:
    """The problems of one condition over a module's records."""
    _, problems = subject.scopes.condition(module, source)
    yield from under(path, problems)


def _titles(subject: Subject, module: Module) -> Iterator[Problem]:
    for key, text in (("title", module.title), ("subtitle", module.subtitle)):
        if text is None:
            continue
        pieces, problems = subject.scopes.template(module, text)
        path = at(module, key)
        yield from under(path, problems)
        for piece in pieces:
            if not isinstance(piece, str) and piece.type.kind is Kind.OBJECT:
                yield Problem("type", path, f"A {piece.type} cannot be shown as text.", "Name a part of it.")
        if key == "title" and not problems:
            found = TypedTemplate(pieces).reads()
            if found.uses_me or found.uses_now:
                yield Problem(
                    "not_storable", path, "A title is stored, so it cannot use me or now().", "Leave them out."
                )
            if all(isinstance(piece, str) for piece in pieces):
                yield Problem("template", path, "All records would have the same title.", "Name a field in it.")


def _field(subject: Subject, module: Module, field: Field, path: str) -> Iterator[Problem]:
    if field.computed:
        _, problems = subject.scopes.calculation(module, field)
        # In a circle the types are unknown, and whatever is said about them only hides the circle.
        if not any((module.id, field.id) in cycle for cycle in subject.scopes.cycles):
            yield from under(path, problems)
    for key in ("required_when", "visible_when", "read_only_when"):
        source = getattr(field, key)
        if source is not None:
            yield from condition(subject, module, source, f"{path}/{key}")
    if field.default_expression is not None:
        typed, problems = subject.scopes.check(module, field.default_expression)
        place = f"{path}/default/expression"
        yield from under(place, problems)
        if typed is not None and not fits(typed.type, field_type(field)):
            yield Problem(
                "type",
                place,
                f"The default gives {named(typed.type)}, the field holds {named(field_type(field))}.",
                "Change the expression.",
            )


def fits(given: Type, wanted: Type) -> bool:
    """Whether a value of one type can be stored in a field of another."""
    if given.kind is None or given.kind == wanted.kind:
        return True
    if given.kind in NUMERIC and wanted.kind in NUMERIC:
        return True
    return given.kind in NUMERIC and wanted.kind is Kind.MONEY


def _links(subject: Subject, module: Module) -> Iterator[Problem]:
    modules = subject.definitions.by_name
    for index, link in enumerate(module.links):
        if link.archived:
            continue
        path = at(module, "links", index)
        for key in ("required_when", "visible_when"):
            source = getattr(link, key)
            if source is not None:
                yield from condition(subject, module, source, f"{path}/{key}")
        if link.where is not None:
            for name in link.to:
                target = modules.get(name)
                if target is not None and not target.archived:
                    yield from condition(subject, target, link.where, f"{path}/where")
        if link.default is not None:
            typed, problems = subject.scopes.check(module, link.default.expression)
            yield from under(f"{path}/default/expression", problems)
            if typed is not None and typed.type.kind not in (Kind.REFERENCE, None):
                yield Problem(
                    "type",
                    f"{path}/default/expression",
                    f"The default gives {named(typed.type)}, a record is needed.",
                    "Name a link.",
                )
            elif typed is not None and typed.type.modules:
                wanted = {modules[name].id for name in link.to if name in modules}
                wrong = sorted(set(typed.type.modules) - wanted)
                if wrong:
                    yield Problem(
                        "type",
                        f"{path}/default/expression",
                        f"The default gives a record of {wrong[0]}, the link leads to {', '.join(link.to)}.",
                    )


def _stages(subject: Subject, module: Module) -> Iterator[Problem]:
    for index, pipeline in enumerate(module.pipelines):
        if pipeline.when is not None:
            yield from condition(subject, module, pipeline.when, at(module, "pipelines", index, "when"))
        for number, stage in enumerate(pipeline.stages):
            if stage.entry_when is not None and not stage.archived:
                yield from condition(
                    subject, module, stage.entry_when, at(module, "pipelines", index, "stages", number, "entry_when")
                )
