"""Taking values over from one field into another of a different type, or from a part of its text."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from xrm_core.fields.base import Field, ParseContext, Rejected, TakesFrom, reject
from xrm_core.fields.capabilities import convert
from xrm_core.kernel.kinds import NUMERIC, Kind

_AMOUNTS = frozenset({Kind.MONEY, Kind.RATE})


def sensible(source: Field, target: Field) -> bool:
    """Whether some values of `source` can be expected to make values of `target`."""
    return not target.computed and target.takes_over(source)


def take_over(source: Field, value: Any, target: Field, takes: TakesFrom, context: ParseContext) -> Any:
    """The value of `target` for a stored value of `source`; None when there is nothing to take; raises `Rejected`."""
    context = replace(
        context,
        region=takes.region or context.region,
        language=takes.language or context.language,
        currency=takes.currency or context.currency,
    )
    if takes.separator is not None:
        text = _part(source.format(value, context), takes)
        return target.parse_text(text, context) if text else None
    if not sensible(source, target):
        raise reject("no_way", f"A {source.type} cannot become a {target.type}.", "The old values are kept.")
    found = converted(source, value, target, context)
    if found is None:
        raise reject("nothing", "Nothing of the value is left.", "The old values are kept.")
    return found


def converted(source: Field, value: Any, target: Field, context: ParseContext) -> Any:
    """A stored value of one field as a value of another; raises `Rejected`."""
    if target.stores_like(source):
        return target.parse(value, context)
    if source.kind in _AMOUNTS and target.kind in NUMERIC:
        return as_number(target, value["amount"], context)
    if source.kind in NUMERIC and target.kind in NUMERIC:
        return as_number(target, value, context)
    return convert(source, value, target, context)


def as_number(target: Field, value: Any, context: ParseContext) -> Any:
    """An exact stored number as a value of another numeric field."""
    try:
        return target.parse(value, context)
    except Rejected:
        whole, _, fraction = str(value).partition(".")
        if fraction.strip("0"):
            raise
        return target.parse(int(whole), context)


def _part(text: str, takes: TakesFrom) -> str:
    mark = takes.separator or " "
    parts = text.split(mark) if mark.strip() else text.split()
    number = takes.part + len(parts) if takes.part < 0 else takes.part
    if not 0 <= number < len(parts):
        return ""
    chosen = parts[number:] if takes.rest else parts[number : number + 1]
    return (mark if mark.strip() else " ").join(chosen).strip()
