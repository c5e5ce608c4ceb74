"""A mail template: subject and text for the records of a module, in one or more languages."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field as Setting

from xrm_core.definitions.hints import ModuleName
from xrm_core.fields.base import LabelText, Model, NameText

Language = Annotated[str, Setting(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})?$")]


class MailText(Model):
    """The mail in one language; in {{ }} and {% if %} stand expressions over the record."""

    subject: str = Setting(min_length=1, max_length=1000)
    text: str = Setting(default="", max_length=100_000, description="The mail as plain text.")
    html: str = Setting(
        default="", max_length=100_000, description="The mail as HTML; the text follows from it if there is none."
    )

    def parts(self) -> tuple[tuple[str, str], ...]:
        """(key, source) of the parts there are."""
        return tuple((key, source) for key in ("subject", "text", "html") if (source := getattr(self, key)))


class MailTemplate(Model):
    """`mail_templates/NAME.json`: a mail that people and automations send."""

    schema_ref: str | None = Setting(default=None, alias="$schema", exclude=True)
    id: NameText = ""
    name: NameText
    label: LabelText
    description: LabelText | None = None
    module: ModuleName = Setting(description="Whose records it is about.")
    purpose: Literal["transactional", "marketing"] = "transactional"
    languages: dict[Language, MailText] = Setting(
        min_length=1, max_length=20, description="By language; the first is for all others."
    )
    archived: bool = False

    def model_post_init(self, context: object) -> None:
        if not self.id:
            object.__setattr__(self, "id", self.name)

    def in_language(self, language: str) -> tuple[str, MailText]:
        """(language, texts) for somebody who reads a language."""
        short = language.replace("_", "-").partition("-")[0]
        for wanted in (language, short):
            if wanted in self.languages:
                return wanted, self.languages[wanted]
        return next(iter(self.languages.items()))
