"""Options: the values a select offers, each with a label, one of twelve hues and an archived flag."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field as Setting
from pydantic import StringConstraints

from xrm_core.fields.base import LabelText, Model

Hue = Literal["gray", "red", "orange", "amber", "lime", "green", "teal", "cyan", "blue", "indigo", "violet", "pink"]
OptionName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.+#/-]{0,63}$")]


class Option(Model):
    """One choice; `name` is what is stored, an archived option stays on records that have it but is not offered."""

    id: OptionName = ""
    name: OptionName
    label: LabelText
    hue: Hue | None = None
    archived: bool = Setting(default=False)
    replaced_by: OptionName | None = Setting(
        default=None, description="The option that records get instead: two options become one."
    )

    def model_post_init(self, context: Any) -> None:
        if not self.id:
            object.__setattr__(self, "id", self.name)
