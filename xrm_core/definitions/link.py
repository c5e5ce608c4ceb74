"""A link: a relation from one module to one or several others, with its name on the other side."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field as Setting

from xrm_core.fields import AnyField, Default
from xrm_core.fields.base import ExpressionText, LabelText, Model, NameText, TakesFrom

OnDelete = Literal["restrict", "unlink", "cascade", "archive"]


class Inverse(Model):
    """How the link is called on the target's side."""

    name: NameText
    label: LabelText


class Link(Model):
    """A many-to-one link; with `many` a many-to-many link that may have attributes of its own."""

    id: NameText = ""
    name: NameText
    label: LabelText
    help: LabelText | None = None
    to: tuple[NameText, ...] = Setting(
        min_length=1, max_length=50, description="Target modules; several make the link polymorphic."
    )
    many: bool = False
    required: bool = False
    unique: bool = Setting(default=False, description="At most one record links to the same target.")
    owner: bool = Setting(
        default=False, description="The target owns this record: it is shown, archived and erased with it."
    )
    on_delete: OnDelete = Setting(
        default="unlink", description="What happens to this record when the target is archived or erased."
    )
    inverse: Inverse | None = None
    attributes: tuple[AnyField, ...] = ()
    where: ExpressionText | None = Setting(
        default=None, description="Which targets may be chosen; an expression over the target."
    )
    default: Default | None = None
    read_only: bool = False
    archived: bool = False
    takes_from: TakesFrom | None = Setting(
        default=None, description="The link whose connections it takes over when it is added or becomes one to many."
    )
    required_when: ExpressionText | None = None
    visible_when: ExpressionText | None = None

    def model_post_init(self, context: Any) -> None:
        if not self.id:
            object.__setattr__(self, "id", self.name)

    @property
    def polymorphic(self) -> bool:
        return len(self.to) > 1
