"""What all steps share: a name, the texts in them that are expressions or templates, and their words in a sentence."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field as Setting

from xrm_core.definitions.hints import ConditionText, Means
from xrm_core.definitions.triggers.base import Tell
from xrm_core.fields.base import Model, NameText

Role = Literal["condition", "value", "template", "people", "time"]
THIS = "this"
PATH = r"^[a-z][a-z0-9_]{0,47}(\.[a-z][a-z0-9_]{0,47}){0,4}$"
PathText = Annotated[str, Means("path")]


@dataclass(frozen=True, slots=True)
class Text:
    """An expression or a template inside a step: where it stands, and about which records it is."""

    path: str
    text: str
    role: Role
    over: str = THIS
    """A path of links to the records that it is about."""


@dataclass(frozen=True, slots=True)
class Write:
    """What a step writes: records behind a path (or of a module), and values of which fields."""

    over: str | None
    module: str | None
    names: frozenset[str]
    creates: bool = False
    archives: bool = False
    stage: str | None = None
    constants: tuple[tuple[str, Any], ...] = ()
    """Values that are known before it runs."""


class Step(Model):
    """One thing that an automation does."""

    at_once: ClassVar[bool] = False
    """Whether it can be done in the transaction of the change that set it going."""
    do: str
    name: NameText | None = None

    def texts(self) -> Iterator[Text]:
        """All expressions and templates in it."""
        return iter(())

    def writes(self) -> Iterator[Write]:
        """What it writes, as far as that can be known before."""
        return iter(())

    def inner(self) -> Iterator[tuple[str, tuple[Any, ...]]]:
        """(pointer, steps) of the lists of steps inside it."""
        return iter(())

    @abstractmethod
    def sentence(self, tell: Tell) -> str:
        """What it does, as a part of a sentence."""


class Records(Model):
    """Which records a step is about: the one that the automation runs for, or those behind links."""

    of: PathText = Setting(
        default=THIS, pattern=PATH, description="'this', or a path of links such as client or tasks."
    )
    where: Annotated[ConditionText, Means("condition", "of")] | None = Setting(
        default=None, description="Only those of them for which this holds."
    )
    most: int = Setting(default=200, ge=1, le=5000, description="No more records than this in one step.")


def value_texts(values: dict[str, Any], path: str = "/values") -> Iterator[Text]:
    """The texts of a table of values: with {{ }} they are templates, else expressions; other JSON stands for itself."""
    for name, value in values.items():
        if isinstance(value, str):
            yield Text(f"{path}/{name}", value, "template" if "{{" in value else "value")


def constants_of(values: dict[str, Any]) -> tuple[tuple[str, Any], ...]:
    """The values that are known without a record."""
    found: list[tuple[str, Any]] = []
    for name, value in values.items():
        if not isinstance(value, str):
            found.append((name, value))
        elif len(value) > 1 and value[0] == value[-1] == "'" and "'" not in value[1:-1]:
            found.append((name, value[1:-1]))
        elif value == "none":
            found.append((name, None))
    return tuple(found)


def whose(of: str, tell: Tell) -> str:
    """The records of a step in words."""
    return tell.pick("the record", "den Datensatz") if of == THIS else tell.label(of)
