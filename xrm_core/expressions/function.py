"""What is known of a function: its parameters, its result, and how it is called and described."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from xrm_core.expressions.types import Type
from xrm_core.kernel.kinds import Kind

ANY = tuple(Kind)


@dataclass(frozen=True, slots=True)
class Param:
    """One parameter: its name and the kinds it takes."""

    name: str
    kinds: tuple[Kind, ...]
    optional: bool = False

    def __str__(self) -> str:
        kinds = (
            "any"
            if self.kinds == ANY
            else " or ".join(
                "number" if k is Kind.DECIMAL else k.value
                for k in self.kinds
                if not (k is Kind.INTEGER and Kind.DECIMAL in self.kinds)
            )
        )
        return f"{self.name}: {kinds}" + (" (optional)" if self.optional else "")


@dataclass(frozen=True, slots=True)
class Function:
    """A function of the language."""

    name: str
    group: str
    params: tuple[Param, ...]
    result: Type | Callable[[Sequence[Type]], Type | None]
    call: Callable[..., Any] | None
    """None for functions that the checker turns into something else."""
    description: str
    example: str
    variadic: bool = False
    """The last parameter may be repeated."""
    env: bool = False
    """The call takes the environment first (for the time, the zone and the actor)."""
    strict: bool = True
    """An argument that is none makes the answer `if_none` without a call."""
    if_none: Any = None
    constant: bool = False
    """Written without brackets."""

    @property
    def signature(self) -> str:
        if self.constant:
            return self.name
        shown = ", ".join(map(str, self.params)) + (", ..." if self.variadic else "")
        return f"{self.name}({shown})"

    @property
    def least(self) -> int:
        return sum(1 for param in self.params if not param.optional)

    @property
    def most(self) -> int | None:
        return None if self.variadic else len(self.params)

    def param(self, index: int) -> Param:
        return self.params[min(index, len(self.params) - 1)]
