"""A guest page: what somebody without an account may see of one record, and do with it, by a secret link."""

from __future__ import annotations

from typing import Any

from pydantic import Field as Setting

from xrm_core.fields.base import ExpressionText, LabelText, Model, NameText

PathText = str


class GuestChoice(Model):
    """A button of a guest page: values that it sets, a stage it moves to, questions that the guest answers with it."""

    name: NameText
    label: LabelText
    when: ExpressionText | None = Setting(
        default=None, description="Offered while this holds for the record that the page is about."
    )
    ask: tuple[NameText, ...] = Setting(default=(), max_length=20, description="Fields that the guest fills in.")
    required: tuple[NameText, ...] = Setting(default=(), max_length=20, description="Those that must be filled in.")
    values: dict[NameText, Any] = Setting(
        default={}, max_length=50, description="Texts are expressions over the record; other JSON stands for itself."
    )
    stage: NameText | None = Setting(default=None, description="The stage that the record moves to.")
    ends: bool = Setting(default=True, description="The link is used up by it.")
    done: LabelText | None = Setting(default=None, description="What the page says afterwards.")


class GuestList(Model):
    """Records around the one of the page: those whose link leads to it, or to a record behind it."""

    name: NameText
    label: LabelText
    module: NameText
    link: NameText = Setting(description="A link of that module to one record.")
    of: PathText | None = Setting(
        default=None, max_length=200, description="Where the link leads: a path of links; by default the record itself."
    )
    filter: ExpressionText | None = Setting(default=None, description="Only records for which this holds are shown.")
    sort: tuple[str, ...] = Setting(default=(), max_length=4)
    show: tuple[PathText, ...] = Setting(min_length=1, max_length=30, description="Nothing else of them is shown.")
    most: int = Setting(default=50, ge=1, le=200)
    choices: tuple[GuestChoice, ...] = Setting(default=(), max_length=5)


class GuestPage(Model):
    """One page for guests; links to it are given out for single records, end by themselves and can be withdrawn."""

    id: NameText = ""
    name: NameText
    label: LabelText
    intro: LabelText | None = Setting(default=None, description="A text at the top of the page.")
    when: ExpressionText | None = Setting(default=None, description="The page is open while this holds for the record.")
    show: tuple[PathText, ...] = Setting(
        default=(), max_length=60, description="Fields and links of the record; nothing else of it is shown."
    )
    lists: tuple[GuestList, ...] = Setting(default=(), max_length=10)
    choices: tuple[GuestChoice, ...] = Setting(default=(), max_length=10)
    recipient: PathText | None = Setting(
        default=None, max_length=200, description="Whom a link is for unless something else is said: a path."
    )
    days: int = Setting(default=14, ge=1, le=366, description="How many days a link lives.")
    until: PathText | None = Setting(
        default=None, max_length=200, description="A date of the record after which no link to it works."
    )
    seen: NameText | None = Setting(default=None, description="A time field that remembers the last visit.")
    archived: bool = False

    def model_post_init(self, context: Any) -> None:
        if not self.id:
            object.__setattr__(self, "id", self.name)
