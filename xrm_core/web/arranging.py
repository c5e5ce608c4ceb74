"""By what the records of a module may be arranged: fields for the columns of boards, for days, for sums and groups."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from xrm_core.fields.capabilities import HoldsOptions
from xrm_core.kernel.kinds import NUMERIC, Kind
from xrm_core.storage.model import CompiledField, CompiledInverse, CompiledModule
from xrm_core.web.describe import Describer

LAYOUTS: tuple[tuple[str, str, str], ...] = (
    ("list", "List", "list"),
    ("board", "Board", "square-kanban"),
    ("calendar", "Calendar", "calendar-days"),
    ("timeline", "Timeline", "chart-column"),
)
"""Name, label and icon."""
_TIMES = (Kind.DATE, Kind.INSTANT)


def visible(describer: Describer, module: CompiledModule) -> Iterable[CompiledField]:
    """The fields that exist for the actor."""
    hidden = describer.hidden(module)
    return (field for field in module.fields.values() if field.id not in hidden and not field.beside)


def lane_names(describer: Describer, module: CompiledModule) -> list[str]:
    """What a board's columns may stand for: the stage, and every field with options of which a record has one."""
    stage = ["stage"] if module.pipeline is not None else []
    return stage + [
        field.name
        for field in visible(describer, module)
        if field.kind is Kind.TEXT and isinstance(field.definition, HoldsOptions) and field.definition.options
    ]


def sum_names(describer: Describer, module: CompiledModule) -> list[str]:
    """What may be added up: money first."""
    found = [field for field in visible(describer, module) if field.kind is Kind.MONEY or field.kind in NUMERIC]
    return [field.name for field in sorted(found, key=lambda field: field.kind is not Kind.MONEY)]


def money_names(describer: Describer, module: CompiledModule) -> list[str]:
    """Amounts of money."""
    return [field.name for field in visible(describer, module) if field.kind is Kind.MONEY]


def day_names(describer: Describer, module: CompiledModule) -> list[str]:
    """Days, instants and spans of days; what can be changed comes first."""
    found = [field for field in visible(describer, module) if field.kind in _TIMES or spans(field)]
    return [field.name for field in sorted(found, key=lambda field: field.computed)]


def spans(field: CompiledField) -> bool:
    """Whether the field has a first and a last day of its own."""
    return {"start", "end"} <= set(field.definition.attributes)


def group_names(describer: Describer, module: CompiledModule) -> list[str]:
    """Links to one record and users: whom records belong to."""
    hidden = describer.hidden(module)
    links = [
        link.name
        for link in module.links.values()
        if not link.many and not link.polymorphic and link.id not in hidden
        and describer.sees(describer.unit.catalog.modules[link.targets[0]])
    ]  # fmt: skip
    users = [field.name for field in visible(describer, module) if field.kind is Kind.REFERENCE]
    return ["owner", *users, *links]


def pattern(view: Any, module: CompiledModule, layout: str) -> Any:
    """The view whose settings a layout takes over: the one that is looked at, else the module's first of that layout."""
    if view is not None and view.layout == layout:
        return view
    return next((one for one in module.definition.views if one.layout == layout and not one.archived), None)


def reported(describer: Describer, module: CompiledModule) -> list[tuple[CompiledInverse, CompiledModule]]:
    """What a report counts: records that link here and go through stages or hold money, as far as the reader sees them."""
    unit, found = describer.unit, []
    for inverse in module.inverses.values():
        own = inverse.link
        if own.many or own.polymorphic or own.id in unit.policy.module(own.module_id).hidden:
            continue
        other = unit.catalog.modules[own.module_id]
        if describer.sees(other) and (other.pipeline is not None or money_names(describer, other)):
            found.append((inverse, other))
    return found


def layouts_of(describer: Describer, module: CompiledModule) -> list[str]:
    """The ways to look at the module's records."""
    found = ["list"]
    if lane_names(describer, module):
        found.append("board")
    days = day_names(describer, module)
    if days:
        found.append("calendar")
    if money_names(describer, module) and any(not spans(module.fields[name]) for name in days):
        found.append("timeline")
    return found
