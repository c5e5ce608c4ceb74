"""A pipeline: the stages that a record of a module goes through."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field as Setting

from xrm_core.fields.base import ExpressionText, LabelText, Model, NameText
from xrm_core.fields.options import Hue, Option

Category = Literal["open", "won", "lost", "closed", "hold"]


class Stage(Model):
    """One step of a pipeline."""

    id: NameText = ""
    name: NameText
    label: LabelText
    category: Category = "open"
    probability: int | None = Setting(default=None, ge=0, le=100, description="Chance of success in percent.")
    hue: Hue | None = None
    age_limit_days: int | None = Setting(
        default=None, ge=1, le=3650, description="A record that stays longer is shown as stuck."
    )
    requires: tuple[NameText, ...] = Setting(
        default=(), description="Fields and links that must have a value on entry."
    )
    entry_when: ExpressionText | None = Setting(default=None, description="A condition that must hold on entry.")
    moves_to: tuple[NameText, ...] | None = Setting(
        default=None, description="Stages that may follow; none given: all."
    )
    reasons: tuple[Option, ...] = Setting(
        default=(), description="If given, entering this stage needs one of these reasons."
    )
    maps_to: NameText | None = Setting(
        default=None, description="In the pipeline of a variant: the stage of the module's main pipeline it stands for."
    )
    archived: bool = False
    replaced_by: NameText | None = Setting(
        default=None, description="The stage that records get instead: two stages become one."
    )

    def model_post_init(self, context: Any) -> None:
        if not self.id:
            object.__setattr__(self, "id", self.name)


class Pipeline(Model):
    """Stages in order; a new record starts in the first one."""

    id: NameText = ""
    name: NameText
    label: LabelText = "Stage"
    field: Literal["stage"] = "stage"
    when: ExpressionText | None = Setting(
        default=None, description="Makes it the pipeline of a variant: the records for which this holds."
    )
    stages: tuple[Stage, ...] = Setting(min_length=1, max_length=60)

    def model_post_init(self, context: Any) -> None:
        if not self.id:
            object.__setattr__(self, "id", self.name)

    def stage(self, name: str) -> Stage | None:
        """The stage of that name or id."""
        return next((stage for stage in self.stages if name in (stage.name, stage.id)), None)
