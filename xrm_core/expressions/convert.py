"""The few conversions that happen by themselves: written dates and ids, instants as days, none as anything."""

from __future__ import annotations

from uuid import UUID

from xrm_core.expressions.typed import Apply, Const, Typed
from xrm_core.expressions.types import DATE, DECIMAL, INSTANT, REFERENCE, Type, list_of
from xrm_core.expressions.values import read_date, read_instant
from xrm_core.kernel.kinds import NUMERIC, Kind


def adapted(node: Typed, kinds: tuple[Kind, ...]) -> Typed | None:
    """The node as one of the wanted kinds, or None where it is none of them and cannot be made one."""
    kind = node.type.kind
    if kind in kinds:
        return node
    if kind is None:
        return Const(None, type=list_of(None) if kinds[0] is Kind.LIST else Type(kinds[0]))
    if kind is Kind.INTEGER and Kind.DECIMAL in kinds:
        return node
    if kind is Kind.INSTANT and Kind.DATE in kinds:
        return Apply("date_of", (node,), type=DATE)
    if kind is Kind.TEXT and isinstance(node, Const):
        for wanted in kinds:
            written = _written(node, wanted)
            if written is not None:
                return written
    return None


def _written(node: Const, kind: Kind) -> Const | None:
    text = str(node.value).strip()
    if kind is Kind.DATE:
        day = read_date(text)
        return None if day is None else Const(day, type=DATE)
    if kind is Kind.INSTANT:
        at = read_instant(text)
        return None if at is None else Const(at, type=INSTANT)
    if kind is Kind.REFERENCE:
        try:
            return Const(str(UUID(text)), type=REFERENCE)
        except ValueError:
            return None
    return None


def bring_together(left: Typed, right: Typed) -> tuple[Typed, Typed]:
    """Both sides of a comparison or choice as one kind, as far as that is possible."""
    kinds = {left.type.kind, right.type.kind}
    if len(kinds) == 1 or None in kinds:
        return left, right
    if kinds == {Kind.DATE, Kind.INSTANT}:
        return adapted(left, (Kind.DATE,)) or left, adapted(right, (Kind.DATE,)) or right
    if Kind.TEXT in kinds:
        if left.type.kind is Kind.TEXT:
            right_side, left_side = bring_together(right, left)
            return left_side, right_side
        if left.type.kind is Kind.INSTANT:
            # An instant may be compared with a written instant or a written day.
            written = adapted(right, (Kind.INSTANT, Kind.DATE))
            return (left, right) if written is None else bring_together(left, written)
        if left.type.kind in (Kind.DATE, Kind.REFERENCE):
            return left, adapted(right, (left.type.kind,)) or right
    for one, other in ((left, right), (right, left)):
        if one.type.kind in (Kind.MONEY,) and other.type.kind in NUMERIC:
            amount = Apply("amount", (one,), type=DECIMAL)
            return (amount, other) if one is left else (other, amount)
    return left, right
