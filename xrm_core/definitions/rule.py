"""Rules of a module: what must hold before a record is stored."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field as Setting

from xrm_core.fields.base import ExpressionText, LabelText, Model, NameText


class _Rule(Model):
    id: NameText = ""
    name: NameText
    message: LabelText | None = None
    archived: bool = False

    def model_post_init(self, context: Any) -> None:
        if not self.id:
            object.__setattr__(self, "id", self.name)


class ValidationRule(_Rule):
    """`check` must be true whenever `when` is."""

    kind: Literal["validation"] = "validation"
    when: ExpressionText | None = None
    check: ExpressionText
    fields: tuple[NameText, ...] = Setting(default=(), description="Where the message is shown.")
    severity: Literal["error", "warning"] = "error"


class UniqueRule(_Rule):
    """The combination of these fields and links occurs once among records that are not archived."""

    kind: Literal["unique"] = "unique"
    fields: tuple[NameText, ...] = Setting(min_length=1, max_length=6)


class DuplicateRule(_Rule):
    """Records that agree in one of these fields are probably the same; a warning, never a refusal."""

    kind: Literal["duplicate"] = "duplicate"
    match: tuple[NameText, ...] = Setting(min_length=1, max_length=6)


Rule = Annotated[ValidationRule | UniqueRule | DuplicateRule, Setting(discriminator="kind")]
