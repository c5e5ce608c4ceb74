"""Steps that tell somebody: an e-mail, a notification, a call of another program."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field as Setting

from xrm_core.definitions.hints import (
    ConditionText,
    GuestPageName,
    LongTemplateText,
    MailTemplateName,
    Means,
    ModuleName,
    PersonText,
    TemplateText,
    TimeText,
    UserFieldName,
    ValueText,
)
from xrm_core.definitions.steps.base import Step, Text, value_texts
from xrm_core.definitions.triggers.base import Tell
from xrm_core.fields.base import Model, NameText

_PEOPLE = "Expressions that give e-mail addresses or users, or role:NAME for everybody with a role."


class Invitation(Model):
    """A calendar entry that goes along with a mail."""

    start: TimeText
    end: TimeText | None = None
    title: TemplateText = Setting(min_length=1, max_length=1000)
    place: TemplateText | None = Setting(default=None, max_length=1000)


class Table(Model):
    """Numbers below the text of a mail: how many records of a module there are, perhaps for each user."""

    label: str = Setting(max_length=200)
    module: ModuleName
    filter: Annotated[ConditionText, Means("condition", "module")] | None = None
    group_by: Annotated[UserFieldName, Means("user-field", "module")] | None = Setting(
        default=None, description="A user field, or owner."
    )


class SendMail(Step):
    """Send an e-mail."""

    do: Literal["mail"]
    to: tuple[PersonText, ...] = Setting(min_length=1, max_length=20, description=_PEOPLE)
    template: MailTemplateName | None = Setting(
        default=None, description="A mail template for these records, in place of a subject and a text."
    )
    subject: TemplateText = Setting(default="", max_length=1000)
    text: LongTemplateText = Setting(default="", max_length=100_000)
    subjects: dict[str, TemplateText] = Setting(
        default={}, max_length=20, description="The subject in other languages."
    )
    texts_in: dict[str, LongTemplateText] = Setting(
        default={}, max_length=20, alias="texts", description="The text in other languages."
    )
    language: ValueText | None = Setting(default=None, description="An expression that gives a language code.")
    purpose: Literal["transactional", "marketing"] = Setting(
        default="transactional", description="Marketing goes only to those who did not opt out."
    )
    allowed_when: ConditionText | None = Setting(
        default=None, description="Looked at when it is about to be sent; if it does not hold, it is not sent."
    )
    invitation: Invitation | None = None
    tables: tuple[Table, ...] = Setting(default=(), max_length=20)
    guest_page: GuestPageName | None = Setting(
        default=None,
        description="A page of the record for guests: the mail carries a link to it, in place of [[link]] or at the end.",
    )
    skip_empty: bool = Setting(default=False, description="Nothing is sent when all tables are empty.")
    approval: bool = Setting(default=False, description="A draft: it is sent once somebody has said yes to it.")

    def texts(self) -> Iterator[Text]:
        for place, text in enumerate(self.to):
            if not text.startswith("role:"):
                yield Text(f"/to/{place}", text, "people")
        if self.subject:
            yield Text("/subject", self.subject, "template")
        if self.text:
            yield Text("/text", self.text, "template")
        for key, found in (("subjects", self.subjects), ("texts", self.texts_in)):
            for language, text in found.items():
                yield Text(f"/{key}/{language}", text, "template")
        if self.language is not None:
            yield Text("/language", self.language, "value")
        if self.allowed_when is not None:
            yield Text("/allowed_when", self.allowed_when, "condition")
        if self.invitation is not None:
            yield Text("/invitation/start", self.invitation.start, "time")
            if self.invitation.end is not None:
                yield Text("/invitation/end", self.invitation.end, "time")
            yield Text("/invitation/title", self.invitation.title, "template")
            if self.invitation.place is not None:
                yield Text("/invitation/place", self.invitation.place, "template")

    def sentence(self, tell: Tell) -> str:
        whom = ", ".join(self.to)
        what = self.subject or (self.template or "").replace("_", " ")
        if self.approval:
            return tell.pick(f"draft “{what}” to {whom}", f"entwirf „{what}“ an {whom}")
        return tell.pick(f"send “{what}” to {whom}", f"sende „{what}“ an {whom}")


class Notify(Step):
    """Notify people: a message inside the product."""

    at_once: ClassVar[bool] = True
    do: Literal["notify"]
    to: tuple[PersonText, ...] = Setting(default=("owner",), min_length=1, max_length=20, description=_PEOPLE)
    text: LongTemplateText = Setting(min_length=1, max_length=4000)

    def texts(self) -> Iterator[Text]:
        for place, text in enumerate(self.to):
            if not text.startswith("role:"):
                yield Text(f"/to/{place}", text, "people")
        yield Text("/text", self.text, "template")

    def sentence(self, tell: Tell) -> str:
        whom = ", ".join(tell.label(one) for one in self.to)
        return tell.pick(f"notify {whom}", f"benachrichtige {whom}")


class CallWebhook(Step):
    """Call a webhook: tell another program, with values of the record."""

    do: Literal["webhook"]
    url: str = Setting(pattern=r"^https?://[^\s/]+(/\S*)?$", max_length=2000)
    body: dict[NameText, Any] = Setting(default={}, max_length=100)

    def texts(self) -> Iterator[Text]:
        return value_texts(self.body, "/body")

    def sentence(self, tell: Tell) -> str:
        return tell.pick(f"call {self.url}", f"rufe {self.url} auf")
