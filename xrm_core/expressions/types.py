"""What kind of value an expression has: a value kind, with the item of lists and the modules of references."""

from __future__ import annotations

from dataclasses import dataclass, field

from xrm_core.kernel.kinds import NUMERIC, Kind


@dataclass(frozen=True, slots=True)
class Type:
    """The kind of a value; any value may be none. `kind` None means open: only none is known, it fits anywhere."""

    kind: Kind | None
    item: Kind | None = None
    """The kind of a list's items."""
    modules: tuple[str, ...] = field(default=(), compare=False)
    """The modules a reference may point to, as far as known."""
    options: frozenset[str] | None = field(default=None, compare=False)
    """The names a select may have; None where any text is fine."""
    variants: tuple[tuple[str, tuple[str, ...]], ...] = field(default=(), compare=False)
    """Options that stand for another one wherever values are compared with that: (the option, those for it)."""

    @property
    def open(self) -> bool:
        return self.kind is None

    @property
    def numeric(self) -> bool:
        return self.kind in NUMERIC

    def __str__(self) -> str:
        if self.kind is None:
            return "none"
        if self.kind is Kind.LIST and self.item is not None:
            return f"list of {self.item}"
        return str(self.kind)


OPEN = Type(None)
TEXT = Type(Kind.TEXT)
INTEGER = Type(Kind.INTEGER)
DECIMAL = Type(Kind.DECIMAL)
BOOLEAN = Type(Kind.BOOLEAN)
DATE = Type(Kind.DATE)
INSTANT = Type(Kind.INSTANT)
DURATION = Type(Kind.DURATION)
MONEY = Type(Kind.MONEY)
RATE = Type(Kind.RATE)
REFERENCE = Type(Kind.REFERENCE)
OBJECT = Type(Kind.OBJECT)


def list_of(item: Kind | None, options: frozenset[str] | None = None) -> Type:
    """The type of a list whose items are of kind `item`."""
    return Type(Kind.LIST, item=item, options=options)


def common(left: Type, right: Type) -> Type | None:
    """The type that both can take (none fits all, an integer is a decimal), or None."""
    if left.open:
        return right
    if right.open or left == right:
        return left
    if left.numeric and right.numeric:
        return DECIMAL
    if left.kind is Kind.LIST and right.kind is Kind.LIST and None in (left.item, right.item):
        return right if left.item is None else left
    return None
