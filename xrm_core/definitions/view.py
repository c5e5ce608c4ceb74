"""A view: a named way to look at the records of a module."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field as Setting

from xrm_core.fields.base import ExpressionText, LabelText, Model, NameText

PathText = str


class View(Model):
    """A list or board with its filter, sort and columns."""

    schema_ref: str | None = Setting(default=None, alias="$schema", exclude=True)
    id: NameText = ""
    name: NameText
    label: LabelText
    module: NameText | None = Setting(default=None, description="The module; not needed inside a module file.")
    layout: Literal["list", "board", "calendar", "timeline"] = "list"
    filter: ExpressionText | None = None
    sort: tuple[str, ...] = Setting(
        default=(), max_length=4, description="Field names; a minus in front sorts downwards."
    )
    columns: tuple[PathText, ...] = Setting(default=(), max_length=200)
    group_by: PathText | None = None
    card_fields: tuple[PathText, ...] = Setting(default=(), max_length=8)
    sum: NameText | None = Setting(default=None, description="A number or money field that board columns add up.")
    date_field: NameText | None = None
    end_field: NameText | None = Setting(default=None, description="When what a calendar shows ends.")
    default: bool = False
    attention: bool = Setting(default=False, description="Its records are shown as part of what has to be done today.")
    roles: tuple[NameText, ...] = ()
    archived: bool = False

    def model_post_init(self, context: Any) -> None:
        if not self.id:
            object.__setattr__(self, "id", self.name)
