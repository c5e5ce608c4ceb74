"""An automation: what sets it going, under which condition, and what it then does, step by step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from pydantic import Field as Setting

from xrm_core.definitions.hints import ConditionText, FieldName, ModuleName, ValueText
from xrm_core.definitions.steps import AnyStep, Step, Text
from xrm_core.definitions.triggers import AnyTrigger, Offset, Tell
from xrm_core.fields.base import LabelText, Model, NameText

MOST_STEPS = 100
State = Literal["draft", "on", "paused"]


class Late(Model):
    """What happens to something that was due while nothing was running."""

    policy: Literal["run", "skip", "ask"] = Setting(
        default="run",
        description="run: once, marked late. skip: not if it is older than 'after'. ask: somebody decides.",
    )
    after: Offset = Setting(default=Offset(value=1, unit="days"), description="From when on it counts as late.")


class Limits(Model):
    """How much it may do, so that a mistake stays small."""

    runs_per_hour: int = Setting(default=5000, ge=1, le=1_000_000)
    steps: int = Setting(default=200, ge=1, le=2000, description="Steps in one run.")
    records: int = Setting(default=5000, ge=1, le=100_000, description="Records written in one run.")
    per_person: int | None = Setting(
        default=None,
        ge=1,
        le=1000,
        description="Marketing mails to one address within 'per_days', across all automations.",
    )
    per_days: int = Setting(default=7, ge=1, le=366)


class Quiet(Model):
    """When nobody is to be disturbed: mails wait until it is over."""

    start: str = Setting(default="20:00", pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", alias="from")
    end: str = Setting(default="08:00", pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", alias="to")
    weekends: bool = False
    zone: ValueText | None = Setting(
        default=None, description="An expression that gives the person's time zone; left out: the workspace's."
    )


class Automation(Model):
    """`automations/NAME.json`: when, if, then."""

    schema_ref: str | None = Setting(default=None, alias="$schema", exclude=True)
    id: NameText = ""
    name: NameText
    label: LabelText
    description: LabelText | None = None
    module: ModuleName | None = Setting(default=None, description="Whose records it is about.")
    state: State = "draft"
    triggers: tuple[AnyTrigger, ...] = Setting(min_length=1, max_length=10)
    when: ConditionText | None = Setting(
        default=None, description="Only for records for which this holds; 'before' is the record as it was."
    )
    exit_when: ConditionText | None = Setting(default=None, description="Ends a run that waits, before its next step.")
    exit_on_reply: bool = Setting(default=False, description="An e-mail from the person ends a run that waits.")
    once_per: tuple[FieldName, ...] = Setting(
        default=(), max_length=5, description="Not twice for the same values of these; 'id' is once per record."
    )
    one_at_a_time: bool = Setting(default=False, description="Not while a run for the same record goes on.")
    at_once: bool = Setting(
        default=False, description="In the same transaction as the change that sets it going, or not at all."
    )
    steps: tuple[AnyStep, ...] = Setting(min_length=1, max_length=50)
    late: Late = Late()
    limits: Limits = Limits()
    quiet: Quiet | None = None
    archived: bool = False

    def model_post_init(self, context: Any) -> None:
        if not self.id:
            object.__setattr__(self, "id", self.name)

    @property
    def live(self) -> bool:
        """Whether it is set going by itself."""
        return self.state == "on" and not self.archived

    def own_texts(self) -> Iterator[Text]:
        """The expressions of the automation itself."""
        if self.when is not None:
            yield Text("/when", self.when, "condition")
        if self.exit_when is not None:
            yield Text("/exit_when", self.exit_when, "condition")
        if self.quiet is not None and self.quiet.zone is not None:
            yield Text("/quiet/zone", self.quiet.zone, "value")

    def sentence(self, tell: Tell) -> str:
        """The automation as a sentence."""
        when = tell.pick(" or ", " oder ").join(
            text if place == 0 else text[:1].lower() + text[1:]
            for place, text in enumerate(trigger.sentence(tell) for trigger in self.triggers)
        )
        only = tell.pick(" and ", " und ") + tell.condition(self.when) if self.when else ""
        then = tell.pick(", then ", ", dann ").join(step.sentence(tell) for step in self.steps)
        return f"{when}{only}: {then}."


def every_step(steps: tuple[Step, ...], path: str = "/steps") -> Iterator[tuple[str, Step]]:
    """(pointer, step) of all steps, with those inside others."""
    for place, step in enumerate(steps):
        here = f"{path}/{place}"
        yield here, step
        for key, inner in step.inner():
            yield from every_step(inner, here + key)
