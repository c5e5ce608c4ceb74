"""A problem: one thing wrong with an input, with its place and its cure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextvars import ContextVar
from dataclasses import dataclass, replace

SPOKEN: ContextVar[Callable[[str], str] | None] = ContextVar("spoken", default=None)
"""Turns what a problem says into the language of whoever is being answered; None leaves English, as for programs."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong (`code`, `message`), where (`path`, a JSON pointer such as `/fields/3/name`), and what to do (`hint`)."""

    code: str
    path: str
    message: str
    hint: str = ""

    def __post_init__(self) -> None:
        say = SPOKEN.get()
        if say is not None:
            object.__setattr__(self, "message", say(self.message))
            object.__setattr__(self, "hint", say(self.hint))

    def under(self, prefix: str) -> Problem:
        """The same problem seen from a parent document: `prefix` is put before the path."""
        return replace(self, path=prefix + self.path)

    def as_dict(self) -> dict[str, str]:
        found = {"code": self.code, "path": self.path, "message": self.message}
        if self.hint:
            found["hint"] = self.hint
        return found


def under(prefix: str, problems: Iterable[Problem]) -> list[Problem]:
    """All problems moved below `prefix`."""
    return [problem.under(prefix) for problem in problems]


def pointer(*parts: str | int) -> str:
    """A JSON pointer (RFC 6901) of the given parts, escaped."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)
