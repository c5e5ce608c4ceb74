"""A query over the records of a module: read from text or JSON, checked against what the actor may see, compiled once."""

from __future__ import annotations

import base64
import binascii
import difflib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import orjson

from xrm_core.catalog import CompiledModule
from xrm_core.expressions import check, check_condition, from_json, parse
from xrm_core.expressions.scope import Scope, Symbol
from xrm_core.expressions.tree import Node
from xrm_core.expressions.typed import Read, Typed
from xrm_core.fields.capabilities import HoldsOptions
from xrm_core.kernel.errors import Malformed
from xrm_core.kernel.kinds import Kind
from xrm_core.kernel.problem import Problem
from xrm_core.records.unit import Unit
from xrm_core.storage.sql.expressions import compile_condition
from xrm_core.storage.sql.queries import Page, SortKey, id_key, sort_key, source_of
from xrm_core.storage.sql.rows import row_json
from xrm_core.storage.sql.tables import TableContext
from xrm_core.storage.sql.values import Sql, joined

Counting = Literal["none", "estimate", "exact", "capped"]
Archived = Literal["no", "only", "all"]
LARGEST_PAGE = 1_000
MOST_SORTS = 4
_MOST_KEPT = 1_000


@dataclass(frozen=True, slots=True)
class RecordQuery:
    """Which records, in which order, which page of them, and what of each."""

    module: str
    filter: str | dict[str, Any] | None = None
    sort: tuple[str, ...] = ()
    limit: int = 50
    cursor: str | None = None
    fields: tuple[str, ...] | None = None
    expand: tuple[str, ...] = ()
    count: Counting = "none"
    archived: Archived = "no"
    as_of: datetime | None = None


@dataclass(frozen=True, slots=True)
class Compiled:
    """A query made into SQL; parameters that depend on the moment or the actor are filled in at execution."""

    page: Page
    counted: Sql
    """What is counted over: the source with only those joins that the conditions need."""
    plain: bool
    """Nothing limits it: the whole module, as far as it is not archived."""


class VisibleScope:
    """The names of a module that exist for an actor; the same for the modules behind its links."""

    def __init__(self, unit: Unit, scope: Scope, module_id: str) -> None:
        self._unit, self._scope, self._module_id = unit, scope, module_id

    def resolve(self, name: str) -> Symbol | None:
        symbol = self._scope.resolve(name)
        if symbol is None or symbol.kind == "constant":
            return symbol
        policy = self._unit.policy
        owner, _, link_id = symbol.id.rpartition(".")
        if symbol.id in policy.module(self._module_id).hidden or (owner and link_id in policy.module(owner).hidden):
            return None
        if symbol.kind in ("link", "links"):
            if not all(policy.allows(module_id, "see") for module_id in symbol.type.modules):
                return None
            target, modules = symbol.target, symbol.type.modules
            if target is not None:
                visible: Callable[[], Scope] = lambda: VisibleScope(self._unit, target(), modules[0])  # noqa: E731
                return Symbol(
                    symbol.name, symbol.id, symbol.type, symbol.kind, visible, symbol.attributes, symbol.module
                )
        return symbol

    def names(self) -> Iterable[str]:
        return [name for name in self._scope.names() if self.resolve(name) is not None]


def scope_of(unit: Unit, module: CompiledModule) -> Scope:
    """What expressions of this actor over the module may mention."""
    scope = unit.catalog.scopes.of(module.definition)
    return scope if unit.policy.everything else VisibleScope(unit, scope, module.id)


def read_filter(unit: Unit, module: CompiledModule, given: str | dict[str, Any] | None) -> Typed | None:
    """The checked condition of a filter in text or JSON form; raises Malformed with the place of what is wrong."""
    if given is None or given == "" or given == {}:
        return None
    node: Node | None
    if isinstance(given, str):
        node, problems = parse(given)
    else:
        node, problems = from_json(given)
    if node is not None:
        typed, problems = check_condition(node, scope_of(unit, module))
        if typed is not None:
            return typed
    raise Malformed(
        [Problem(problem.code, "/filter" + problem.path, problem.message, problem.hint) for problem in problems]
    )


def read_path(unit: Unit, module: CompiledModule, path: str, place: str) -> Read:
    """A field (also behind many-to-one links) as a typed read; a link stands for the title behind it."""
    node, problems = parse(path) if isinstance(path, str) and len(path) <= 200 else (None, [])
    typed = check(node, scope_of(unit, module))[0] if node is not None else None
    if isinstance(typed, Read) and typed.path[-1].kind == "link":
        title = check_title(unit, module, path)
        typed = title if title is not None else typed
    if isinstance(typed, Read) and typed.type.kind not in (Kind.OBJECT, None):
        return typed
    close = difflib.get_close_matches(str(path), list(scope_of(unit, module).names()), n=1)
    raise Malformed(
        Problem(
            "unknown_field",
            place,
            f"{module.name} has no field {str(path)[:80]!r} to do this by.",
            f"Did you mean {close[0]!r}?" if close else "",
        )
    )


def check_title(unit: Unit, module: CompiledModule, path: str) -> Read | None:
    """The title of the record behind a link."""
    node, _ = parse(f"{path}.title")
    typed = check(node, scope_of(unit, module))[0] if node is not None else None
    return typed if isinstance(typed, Read) else None


def restrict(unit: Unit) -> Callable[[CompiledModule, str], Sql | None]:
    """The condition for the records of a module that the actor may see, under any alias."""

    def condition(module: CompiledModule, alias: str) -> Sql | None:
        found = unit.scope(module, "see", alias)
        return None if found is None else Sql(found[0], tuple(found[1]))

    return condition


def context_of(unit: Unit, module: CompiledModule) -> TableContext:
    """A fresh context of the module's table for this actor."""
    return TableContext(unit.catalog.modules, module, restrict=restrict(unit))


def conditions(
    unit: Unit, module: CompiledModule, context: TableContext, typed: Typed | None, archived: Archived
) -> list[Sql]:
    """What limits a query: the filter, what the actor may see, and whether archived records are wanted."""
    parts: list[Sql] = []
    if archived != "all":
        parts.append(Sql(f"{context.alias}.archived_at is {'not ' if archived == 'only' else ''}null"))
    allowed = restrict(unit)(module, context.alias)
    if allowed is not None:
        parts.append(allowed)
    if typed is not None:
        parts.append(compile_condition(typed, context))
    return parts


def compiled(unit: Unit, module: CompiledModule, query: RecordQuery) -> Compiled:
    """The compiled query, from the cache if the same was asked before by somebody with the same rights."""
    key = ("query", _who(unit), _plain(query.filter), query.sort, query.fields, query.archived)
    kept: dict[Any, Compiled] = module.memo.setdefault("queries", {})
    found = kept.get(key)
    if found is None:
        found = _compile(unit, module, query)
        if len(kept) >= _MOST_KEPT:
            kept.clear()
        kept[key] = found
    return found


def _who(unit: Unit) -> Any:
    if unit.policy.unlimited:
        return unit.policy.key
    return (unit.policy.key, unit.actor.user_id, unit.actor.teams)


def _plain(given: str | dict[str, Any] | None) -> Any:
    return orjson.dumps(given, option=orjson.OPT_SORT_KEYS) if isinstance(given, dict) else given


def _compile(unit: Unit, module: CompiledModule, query: RecordQuery) -> Compiled:
    context = context_of(unit, module)
    typed = read_filter(unit, module, query.filter)
    where = joined(" and ", conditions(unit, module, context, typed, query.archived))
    counted = source_of(module, context)
    keys = sort_keys(unit, module, context, query.sort)
    if query.fields is not None:
        check_fields(unit, module, query.fields)
    selected = row_json(context, unit.policy.module(module.id).hidden, fields=query.fields)
    page = Page(selected, source_of(module, context), where, keys)
    plain = typed is None and query.archived == "no" and unit.scope(module, "see") is None
    return Compiled(page, counted, plain)


def check_fields(unit: Unit, module: CompiledModule, names: Sequence[str]) -> None:
    """Raises Malformed if a name is not one of the module's fields or links."""
    hidden = unit.policy.module(module.id).hidden
    known = [name for name, part in ((part.name, part) for part in module.parts) if part.id not in hidden]
    system = [
        "id",
        "module",
        "version",
        "title",
        "created_at",
        "created_by",
        "updated_at",
        "updated_by",
        "archived_at",
        "owner",
        "stage",
        "stage_entered_at",
    ]
    for name in names:
        if name not in known and name not in system:
            close = difflib.get_close_matches(name, [*known, *system], n=1)
            raise Malformed(
                Problem(
                    "unknown_field",
                    "/fields",
                    f"{module.name} has no field {name[:80]!r}.",
                    f"Did you mean {close[0]!r}?" if close else "",
                )
            )


def sort_keys(unit: Unit, module: CompiledModule, context: TableContext, names: Sequence[str]) -> tuple[SortKey, ...]:
    """The keys of an order, ending with the id; newest first when none is given."""
    if len(names) > MOST_SORTS:
        raise Malformed(Problem("too_many", "/sort", f"At most {MOST_SORTS} fields to sort by."))
    keys: list[SortKey] = []
    for name in names:
        descending = name.startswith("-")
        plain = name.lstrip("-+")
        if plain == "id":
            return (*keys, id_key(context, descending=descending))
        typed = read_path(unit, module, plain, "/sort")
        if typed.type.kind is Kind.LIST:
            raise Malformed(
                Problem("not_sortable", "/sort", f"{plain} holds lists, which have no order.", "Sort by another field.")
            )
        keys.append(sort_key(typed, context, descending=descending, positions=positions(unit, module, typed)))
    if not keys:
        return (id_key(context, descending=True),)
    return (*keys, id_key(context, descending=keys[-1].descending))


def positions(unit: Unit, module: CompiledModule, typed: Read) -> list[str] | None:
    """Stages and options have an order of their own."""
    last = typed.path[-1]
    owner = unit.catalog.modules.get(last.module, module)
    if last.id == "stage" and last.kind == "system":
        return list(owner.stages)
    known = owner.fields_by_id.get(last.id) if last.kind == "field" else None
    if (
        known is not None
        and isinstance(known.definition, HoldsOptions)
        and known.kind is Kind.TEXT
        and last.type.options is not None
    ):
        return [option.name.lower() for option in known.definition.options]
    return None


# -- cursors ------------------------------------------------------------------------------------------------------------


def write_cursor(query: RecordQuery, phase: str, values: Sequence[str | None]) -> str:
    """Where the next page begins; only good for the same order."""
    return base64.urlsafe_b64encode(orjson.dumps([list(query.sort), phase, list(values)])).rstrip(b"=").decode()


def read_cursor(query: RecordQuery, keys: Sequence[SortKey]) -> tuple[str, list[str | None]] | None:
    """Phase and values of the query's cursor; raises Malformed if it is not one of this order."""
    if not query.cursor:
        return None
    wrong = Malformed(
        Problem(
            "cursor",
            "/cursor",
            "This is not a cursor of this list.",
            "Use `next` of the previous page, with the same sort.",
        )
    )
    if len(query.cursor) > 8_000:
        raise wrong
    try:
        text = base64.b64decode(query.cursor + "=" * (-len(query.cursor) % 4), altchars=b"-_", validate=True)
        sort, phase, values = orjson.loads(text)
    except (ValueError, TypeError, binascii.Error):
        raise wrong from None
    if (
        sort != list(query.sort)
        or phase not in ("all", "filled", "empty")
        or not isinstance(values, list)
        or len(values) != len(keys)
    ):
        raise wrong
    for key, value in zip(keys, values, strict=True):
        if value is None and not key.nullable or value is not None and not _fits(key, value):
            raise wrong
    if phase == "filled" and values[0] is None:
        raise wrong
    return phase, values


def _fits(key: SortKey, value: Any) -> bool:
    if not isinstance(value, str) or "\x00" in value or len(value) > 2_000:
        return False
    return _SHAPES[key.type](value)


def _number(value: str) -> bool:
    return value.lstrip("-").replace(".", "", 1).isdigit() and value.isascii() and len(value) < 400


def _integer(value: str) -> bool:
    return value.lstrip("-").isdigit() and value.isascii() and len(value) < 10


def _moment(value: str) -> bool:
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


def _uuid(value: str) -> bool:
    return len(value) == 36 and all(character in "0123456789abcdef-" for character in value) and value.count("-") == 4


_SHAPES: dict[str, Callable[[str], bool]] = {
    "text": lambda value: not any("\ud800" <= character <= "\udfff" for character in value),
    "numeric": _number,
    "int": _integer,
    "date": _moment,
    "timestamptz": _moment,
    "boolean": lambda value: value in ("true", "false"),
    "uuid": _uuid,
}
