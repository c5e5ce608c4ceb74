"""A scenario: records that there are, what is done with them as time goes on, and what must come of it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field as Setting

from xrm_core.fields.base import LabelText, Model, NameText

KeyText = Annotated[str, Setting(pattern=r"^[a-z][a-z0-9_]{0,47}$")]
Values = dict[NameText, Any]
"""Fields and links by name; `@key` stands for the record or user of that key."""


class Given(Model):
    """A record that there is."""

    module: NameText
    key: KeyText | None = None
    values: Values = Setting(default_factory=dict)


class Create(Given):
    """Somebody makes a record."""

    do: Literal["create"] = "create"


class Update(Model):
    """Somebody changes a record."""

    do: Literal["update"] = "update"
    key: KeyText
    values: Values


class Move(Model):
    """Somebody moves a record to another stage."""

    do: Literal["move"] = "move"
    key: KeyText
    stage: NameText
    reason: str | None = None
    values: Values = Setting(default_factory=dict)


class Archive(Model):
    """Somebody archives a record."""

    do: Literal["archive"] = "archive"
    key: KeyText


class Wait(Model):
    """Time passes; what depends on it turns over, and automations do what is due."""

    do: Literal["wait"] = "wait"
    days: int = Setting(default=0, ge=0, le=4000)
    hours: int = Setting(default=0, ge=0, le=1000)


class Expect(Model):
    """A record has these values; null means that it has none."""

    do: Literal["expect"] = "expect"
    key: KeyText
    values: Values


class Start(Model):
    """Somebody starts an automation by hand."""

    do: Literal["start"] = "start"
    automation: NameText
    key: KeyText | None = None


class Found(Model):
    """As many records of a module meet a condition, and each has these values."""

    do: Literal["found"] = "found"
    module: NameText
    filter: str | None = Setting(default=None, max_length=4000)
    count: int = Setting(default=1, ge=0, le=10_000)
    values: Values = Setting(default_factory=dict)


class Mails(Model):
    """As many e-mails were to be sent since the last time somebody looked, to these addresses and with these words."""

    do: Literal["mails"] = "mails"
    count: int = Setting(default=1, ge=0, le=10_000)
    to: tuple[str, ...] = ()
    subject: str | None = None
    text: str | None = None


class Ran(Model):
    """An automation has run so often; `suppressed` counts the reasons for which it did not."""

    do: Literal["ran"] = "ran"
    automation: NameText
    count: int = Setting(default=1, ge=0, le=10_000)
    suppressed: dict[str, int] = Setting(default_factory=dict)


Doing = Annotated[Create | Update | Move | Archive, Setting(discriminator="do")]


class Refused(Model):
    """This must be refused, with a problem at one of these places (any, if none are given)."""

    do: Literal["refused"] = "refused"
    step: Doing
    at: tuple[str, ...] = Setting(default=(), description="Names of fields or links.")


Step = Annotated[
    Create | Update | Move | Archive | Wait | Expect | Start | Found | Mails | Ran | Refused,
    Setting(discriminator="do"),
]


class PackScenario(Model):
    """`scenarios/NAME.json`."""

    schema_ref: str | None = Setting(default=None, alias="$schema", exclude=True)
    name: NameText
    label: LabelText
    now: datetime = Setting(description="When it begins, with a time zone.")
    time_zone: str = Setting(default="UTC", max_length=60)
    currency: str = Setting(default="EUR", pattern="^[A-Z]{3}$")
    users: tuple[KeyText, ...] = Setting(default=("somebody",), min_length=1, description="The first one acts.")
    switch_on: tuple[NameText, ...] = Setting(default=(), description="Automations that are drafts otherwise.")
    given: tuple[Given, ...] = ()
    steps: tuple[Step, ...] = Setting(min_length=1, max_length=500)
