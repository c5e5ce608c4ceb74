"""What names mean: the fields, links and constants that an expression may mention."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from xrm_core.expressions.types import REFERENCE as REFERENCE_TYPE
from xrm_core.expressions.types import TEXT, Type

SymbolKind = Literal["field", "link", "links", "system", "constant", "attribute"]


class Scope(Protocol):
    """Where names are looked up: usually the fields and links of one module."""

    def resolve(self, name: str) -> Symbol | None: ...

    def names(self) -> Iterable[str]: ...


@dataclass(frozen=True, slots=True)
class Symbol:
    """What one name stands for. `id` is the stable id under which environments and SQL find the value."""

    name: str
    id: str
    type: Type
    kind: SymbolKind = "field"
    target: Callable[[], Scope] | None = field(default=None, compare=False, repr=False)
    """The scope behind a link; asked only when needed, since modules point at each other."""
    attributes: Mapping[str, Symbol] = field(default_factory=dict, compare=False, repr=False)
    """Parts of the value that have names of their own, such as `start` of a date range."""
    module: str = field(default="", compare=False)
    """The module that the symbol belongs to."""

    @property
    def polymorphic(self) -> bool:
        """Whether a link may point to several modules; then only what all records have can be read behind it."""
        return self.kind == "link" and len(self.type.modules) > 1


Path = tuple[Symbol, ...]


@dataclass(frozen=True)
class Names:
    """A scope made of symbols that are at hand."""

    symbols: Mapping[str, Symbol]

    @classmethod
    def of(cls, symbols: Iterable[Symbol]) -> Names:
        return cls({symbol.name: symbol for symbol in symbols})

    def resolve(self, name: str) -> Symbol | None:
        return self.symbols.get(name)

    def names(self) -> Iterable[str]:
        return self.symbols


EMPTY = Names({})

POLYMORPHIC = Names.of(
    [
        Symbol("id", "id", REFERENCE_TYPE, "system"),
        Symbol("title", "title", TEXT, "system"),
        Symbol("module", "module", TEXT, "system"),
    ]
)
"""What can be read behind a link that points to several modules."""


def behind(symbol: Symbol) -> Scope:
    """The scope of the records that a link leads to."""
    if symbol.polymorphic:
        return POLYMORPHIC
    return symbol.target() if symbol.target is not None else EMPTY


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """A hint that names the closest known names, or ''."""
    found = difflib.get_close_matches(name.lower(), sorted(names), n=3, cutoff=0.6)
    return f"Did you mean {' or '.join(found)}?" if found else ""
