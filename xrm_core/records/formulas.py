"""Formulas while somebody writes them: type, dependencies, the value on a sample record, or what is wrong and where."""

from __future__ import annotations

import re
from typing import Any, Literal
from uuid import UUID

from xrm_core.catalog import Catalog
from xrm_core.definitions.collection import DefinitionSet
from xrm_core.definitions.members import Directory, Member
from xrm_core.definitions.module import Module
from xrm_core.definitions.scope import Scopes
from xrm_core.expressions.functions import FUNCTIONS
from xrm_core.expressions.typed import Apply, Over, Read, Typed, walk
from xrm_core.kernel.errors import XrmError
from xrm_core.kernel.kinds import Kind
from xrm_core.kernel.labels import label_text
from xrm_core.kernel.problem import Problem
from xrm_core.records import read
from xrm_core.records.lineage import plain
from xrm_core.records.unit import Unit
from xrm_core.storage.sql.computed import Aggregate, formula_values

Wanted = Literal["formula", "condition", "template"]
_COLUMN = re.compile(r"[^\W\d]+ (\d+): ")
"""How a problem of an expression begins, in any language: column 7."""
LONGEST = 4_000


async def try_out(
    unit: Unit, definitions: DefinitionSet, module: Module, text: str, wanted: Wanted, record: UUID | None
) -> dict[str, Any]:
    """What there is to say about a text as a formula, a condition or a template over a module's records."""
    scopes = _scopes(unit, definitions)
    trees, problems, shown = _read(scopes, module, text, wanted)
    found: dict[str, Any] = {"ok": not problems, "problems": [_with_column(problem) for problem in problems]}
    if problems:
        return found
    found["type"] = shown
    found["reads"] = _dependencies(trees)
    found["uses_today"] = any(
        isinstance(part, Apply) and part.function in ("today", "now", "within") for tree in trees for part in walk(tree)
    )
    if record is not None:
        found |= await _sample(unit, definitions, module, trees, text, wanted, record)
    return found


def complete(unit: Unit, definitions: DefinitionSet, module: Module, path: str = "") -> dict[str, Any]:
    """The names that can stand after `path` (a path of links, or nothing), and the functions."""
    scopes = _scopes(unit, definitions)
    directory: Directory = scopes.directory
    here: Module | None = module
    if path:
        members = directory.follow(module, path)
        here = members[-1].targets[0] if members and len(members[-1].targets) == 1 else None
    names = [] if here is None else [_name(unit, scopes, here, member) for member in directory.of(here).values()]
    functions = [
        {
            "name": function.name, "signature": function.signature, "group": function.group,
            "description": function.description, "example": function.example, "constant": function.constant,
        }
        for function in FUNCTIONS.values()
    ]  # fmt: skip
    return {"names": [name for name in names if name], "functions": functions if not path else []}


def _name(unit: Unit, scopes: Scopes, module: Module, member: Member) -> dict[str, Any]:
    language = unit.workspace.locale
    symbol = scopes.symbol(module, member.name)
    found: dict[str, Any] = {"name": member.name, "kind": member.kind, "type": str(symbol.type) if symbol else "none"}
    if member.field is not None:
        found |= {"label": member.field.text(language), "field_type": member.field.type}
        found["options"] = [option.name for option in getattr(member.field, "options", ())][:100]
    elif member.link is not None:
        inverse = member.link.inverse
        label = inverse.label if member.kind == "inverse" and inverse is not None else member.link.label
        found |= {"label": label_text(label, language), "many": member.many}
        found["modules"] = [target.name for target in member.targets]
    else:
        found["label"] = member.name.replace("_", " ")
    if symbol is not None and symbol.attributes:
        found["parts"] = sorted(symbol.attributes)
    return {key: value for key, value in found.items() if value != []}


def _scopes(unit: Unit, definitions: DefinitionSet) -> Scopes:
    if definitions is unit.catalog.definitions:
        return unit.catalog.scopes
    kept: dict[str, Scopes] = unit.catalog.memo.setdefault("draft scopes", {})
    found = kept.get(definitions.hash)
    if found is None:
        kept.clear()
        found = kept[definitions.hash] = Scopes(definitions)
    return found


def _read(scopes: Scopes, module: Module, text: str, wanted: Wanted) -> tuple[list[Typed], list[Problem], str]:
    if len(text) > LONGEST:
        return [], [Problem("too_long", "", f"At most {LONGEST} characters.")], ""
    if wanted == "template":
        pieces, problems = scopes.template(module, text)
        return [piece for piece in pieces if not isinstance(piece, str)], problems, "text"
    typed, problems = scopes.condition(module, text) if wanted == "condition" else scopes.check(module, text)
    if typed is None:
        return [], problems or [Problem("empty", "", "Write an expression.")], ""
    if wanted == "formula":
        problems = [*problems, *_storable(typed)]
    return [typed], problems, str(typed.type)


def _storable(typed: Typed) -> list[Problem]:
    if typed.type.kind is Kind.REFERENCE:
        return [Problem("type", "", "A formula cannot give a record.", "Name a field of it, for example its title.")]
    if typed.type.kind is Kind.OBJECT:
        return [Problem("type", "", "A formula cannot give a composed value.", "Name one of its parts.")]
    used = {part.function for part in walk(typed) if isinstance(part, Apply)}
    found = []
    if "me" in used:
        words = "A computed value is the same for everybody, so it cannot use me."
        found.append(Problem("not_storable", "", words, "Use me in filters and views."))
    if "now" in used:
        words = "A computed value is stored, so it cannot change at every moment."
        found.append(Problem("not_storable", "", words, "Use today() instead of now()."))
    return found


def _with_column(problem: Problem) -> dict[str, Any]:
    """A problem with the column it is at, counted from 1, as a number of its own."""
    found: dict[str, Any] = problem.as_dict()
    place = _COLUMN.match(problem.message)
    if place is not None:
        found["column"] = int(place[1])
        found["message"] = problem.message[place.end() :]
    return found


def _dependencies(trees: list[Typed]) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for tree in trees:
        for part in walk(tree):
            if isinstance(part, (Read, Over)):
                path = ".".join(symbol.name for symbol in part.path)
                last = part.path[-1]
                kind = "list" if isinstance(part, Over) else last.kind
                found.setdefault(path, {"path": path, "kind": kind, "type": str(last.type)})
    return list(found.values())


async def _sample(
    unit: Unit,
    definitions: DefinitionSet,
    module: Module,
    trees: list[Typed],
    text: str,
    wanted: Wanted,
    record: UUID,
) -> dict[str, Any]:
    """The value on one record, which the actor must be able to see."""
    known = unit.catalog.modules.get(module.id)
    if known is None:
        return {"value": None}
    await read.get(unit, known.name, record, fields=("id",))
    if any(_hidden(unit, part) for tree in trees for part in walk(tree) if isinstance(part, (Read, Over))):
        return {"value": None, "hidden": True}
    try:
        catalog = _catalog(unit, definitions)
    except (XrmError, KeyError, ValueError):
        return {"value": None}  # the draft has other problems, which are shown where they are
    compiled = catalog.modules[module.id]
    connection = await unit.writer()
    if wanted == "template":
        pieces, _ = catalog.scopes.template(compiled.definition, text)
        values = []
        for piece in pieces:
            if isinstance(piece, str):
                values.append(piece)
                continue
            asked = Aggregate("value", "formula", piece.type, piece, None, None, True)
            got = (await formula_values(connection, catalog.modules, compiled, asked, [record], unit)).get(record)
            rendered = plain(piece.type, got)
            values.append("" if rendered is None else str(rendered))
        return {"value": "".join(values)}
    check = catalog.scopes.condition if wanted == "condition" else catalog.scopes.check
    typed, _ = check(compiled.definition, text)
    if typed is None:
        return {"value": None}
    asked = Aggregate("value", "formula", typed.type, typed, None, None, True)
    found = await formula_values(connection, catalog.modules, compiled, asked, [record], unit)
    return {"value": plain(typed.type, found.get(record))}


def _hidden(unit: Unit, part: Read | Over) -> bool:
    for symbol in part.path:
        if symbol.module and symbol.module in unit.catalog.modules:
            rights = unit.policy.module(symbol.module)
            if rights.see == "none" or symbol.id in rights.hidden:
                return True
    return False


def _catalog(unit: Unit, definitions: DefinitionSet) -> Catalog:
    if definitions is unit.catalog.definitions:
        return unit.catalog
    kept: dict[str, Catalog] = unit.catalog.memo.setdefault("draft catalog", {})
    found = kept.get(definitions.hash)
    if found is None:
        kept.clear()
        columns = {
            (module.id, promoted.key): "filling"
            for module in unit.catalog.modules.values()
            for promoted in module.table.promoted
        }
        found = kept[definitions.hash] = Catalog(unit.schema, unit.catalog.version, definitions, columns)
    return found


__all__ = ["complete", "try_out"]
