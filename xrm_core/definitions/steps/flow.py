"""Steps that steer: wait, branch, stop, enrol."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field as Setting

from xrm_core.definitions.hints import AutomationName, ConditionText, TimeText
from xrm_core.definitions.steps.base import PATH, PathText, Step, Text, whose
from xrm_core.definitions.triggers.base import CLOCK, Offset, Tell

if TYPE_CHECKING:
    from xrm_core.definitions.steps import AnyStep


class Wait(Step):
    """Wait: go on after a time, at a moment, or when something holds."""

    do: Literal["wait"]
    length: Offset | None = Setting(default=None, alias="for")
    until: TimeText | None = Setting(default=None, description="An expression that gives a day or an instant.")
    until_true: ConditionText | None = Setting(
        default=None, description="Goes on when this holds, at the latest after 'for' (30 days if that is left out)."
    )
    at: str | None = Setting(default=None, pattern=CLOCK, description="And then until this time of day.")

    def model_post_init(self, context: Any) -> None:
        """Refuse a wait that waits for nothing."""
        if self.length is None and self.until is None and self.until_true is None:
            raise ValueError("a wait needs 'for', 'until' or 'until_true'")
        if self.until is not None and (self.length is not None or self.until_true is not None):
            raise ValueError("'until' stands alone")
        if self.length is not None and self.length.value < 0:
            raise ValueError("one cannot wait for less than nothing")

    def texts(self) -> Iterator[Text]:
        if self.until is not None:
            yield Text("/until", self.until, "time")
        if self.until_true is not None:
            yield Text("/until_true", self.until_true, "condition")

    def sentence(self, tell: Tell) -> str:
        if self.until is not None:
            return tell.pick(f"wait until {self.until}", f"warte bis {self.until}")
        if self.until_true is not None:
            return tell.pick(f"wait until {self.until_true} holds", f"warte, bis {self.until_true} gilt")
        assert self.length is not None
        return tell.pick(f"wait {self.length.said(tell)}", f"warte {self.length.said(tell)}")


class Branch(Step):
    """Branch: do one thing or another."""

    at_once: ClassVar[bool] = True
    do: Literal["branch"]
    when: ConditionText = Setting(alias="if")
    then: tuple[AnyStep, ...] = Setting(default=(), max_length=50)
    otherwise: tuple[AnyStep, ...] = Setting(default=(), max_length=50, alias="else")

    def texts(self) -> Iterator[Text]:
        yield Text("/if", self.when, "condition")

    def inner(self) -> Iterator[tuple[str, tuple[Any, ...]]]:
        yield "/then", self.then
        yield "/else", self.otherwise

    def sentence(self, tell: Tell) -> str:
        then = ", ".join(step.sentence(tell) for step in self.then) or "–"
        text = f"{tell.pick('if', 'falls')} {tell.condition(self.when)}: {then}"
        if self.otherwise:
            text += tell.pick("; else ", "; sonst ") + ", ".join(step.sentence(tell) for step in self.otherwise)
        return text


class Stop(Step):
    """Stop here."""

    at_once: ClassVar[bool] = True
    do: Literal["stop"]
    reason: str = Setting(default="", max_length=200)

    def sentence(self, tell: Tell) -> str:
        return tell.pick("stop", "höre auf")


class Enrol(Step):
    """Start another automation: for the record, or for a record behind a link."""

    do: Literal["enrol"]
    automation: AutomationName
    of: PathText = Setting(default="this", pattern=PATH)

    def sentence(self, tell: Tell) -> str:
        return tell.pick(
            f"enrol {whose(self.of, tell)} in {self.automation}",
            f"nimm {whose(self.of, tell)} in {self.automation} auf",
        )
