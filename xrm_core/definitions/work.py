"""What records mean for somebody's day: things to be done, things that take place, and what a page tells at a glance."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field as Setting

from xrm_core.definitions.view import PathText
from xrm_core.fields.base import ExpressionText, LabelText, Model, NameText


class Task(Model):
    """The records of the module are things that somebody has to do until a time."""

    assignee: NameText = Setting(default="owner", description="A user field, or owner: who has to do it.")
    due: NameText = Setting(description="A date or time field: until when.")
    done_when: ExpressionText = Setting(description="A condition that holds once it is done, or need not be done.")
    done: dict[NameText, Any] = Setting(default={}, max_length=10, description="Values that mark a record as done.")


class Event(Model):
    """The records of the module take place at a time."""

    start: NameText = Setting(description="A date or time field.")
    end: NameText | None = None
    who: tuple[NameText, ...] = Setting(
        default=(),
        max_length=5,
        description="User fields (or owner): whose day it belongs to; without any, everybody's.",
    )
    when: ExpressionText | None = Setting(default=None, description="Only records for which this holds.")
    place: NameText | None = Setting(default=None, description="A text field: where it is, or a link to it.")
    guests: tuple[PathText, ...] = Setting(
        default=(),
        max_length=10,
        description="Links to people with an e-mail field who are invited, such as order.customer.",
    )


class Log(Model):
    """The records of the module tell what was said or done: notes, calls, messages. A record's page has a place to write them."""

    text: NameText = Setting(description="A field of long or rich text: what is written.")
    title: NameText | None = Setting(
        default=None, description="A text field; unless somebody fills it in, it gets the beginning of the text."
    )
    kind: NameText | None = Setting(
        default=None, description="A select field: the page offers one place to write for each option."
    )
    kinds: tuple[NameText, ...] = Setting(
        default=(), max_length=12, description="The options that are offered, in this order; without any, all."
    )
    fields: tuple[NameText, ...] = Setting(default=(), max_length=6, description="What is asked for besides.")
    mail: NameText | None = Setting(
        default=None, description="The option of 'kind' that is an e-mail: the page sends it, and keeps it as a record."
    )
    mail_values: dict[NameText, Any] = Setting(
        default={}, max_length=10, description="Values that the record of a sent e-mail gets."
    )


class Reachable(Model):
    """Under which conditions the person or company of a record may be written to, at the addresses in its e-mail fields."""

    allowed_when: ExpressionText | None = Setting(
        default=None, description="Nobody for whom this does not hold gets any e-mail."
    )
    marketing_when: ExpressionText | None = Setting(
        default=None, description="Nobody for whom this does not hold gets e-mail that advertises."
    )


class Panel(Model):
    """A block on the record page: facts of the record, records around it, or how many there are of each kind."""

    id: NameText = ""
    name: NameText
    label: LabelText
    kind: Literal["list", "facts", "count"] = "list"
    link: NameText | None = Setting(
        default=None, description="A link or inverse of this module that leads to the records."
    )
    module: NameText | None = Setting(default=None, description="The module of the records, together with 'via'.")
    via: PathText | None = Setting(
        default=None, description="Links of that module that lead to this record, such as job.client."
    )
    filter: ExpressionText | None = None
    columns: tuple[PathText, ...] = Setting(
        default=(), max_length=12, description="Fields that are shown: of the records, for facts of the record itself."
    )
    sort: tuple[str, ...] = Setting(default=(), max_length=4)
    limit: int = Setting(default=5, ge=1, le=50)
    group_by: PathText | None = Setting(default=None, description="For counts: a number for each value of this field.")
    visible_when: ExpressionText | None = None

    def model_post_init(self, context: Any) -> None:
        if not self.id:
            object.__setattr__(self, "id", self.name)
