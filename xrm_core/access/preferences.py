"""What a member may choose for themselves: look, language, formats, keys."""

from __future__ import annotations

from typing import Any, Literal
from zoneinfo import available_timezones

from pydantic import Field as Setting
from pydantic import field_validator

from xrm_core.definitions.reading import read
from xrm_core.fields.base import Model


class Formats(Model):
    """How dates, times and numbers are written; empty means as usual in the language."""

    date: Literal["", "iso", "day_first", "month_first"] = ""
    time: Literal["", "24h", "12h"] = ""
    number: Literal["", "comma", "point", "space"] = ""
    week_start: Literal["", "monday", "sunday", "saturday"] = ""


class Preferences(Model):
    """A member's settings in one workspace; what is not set follows the workspace."""

    theme: Literal["system", "light", "dark"] = "system"
    density: Literal["compact", "default", "comfortable"] = "default"
    language: str | None = Setting(default=None, pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})?$")
    time_zone: str | None = None
    formats: Formats = Formats()
    shortcuts: dict[str, str] = Setting(
        default={}, max_length=200, description="Key of an action, by its name; empty: none."
    )
    single_keys: bool = Setting(default=True, description="Whether single letters are shortcuts.")
    start_page: str = Setting(default="today", max_length=200)
    notify: dict[Literal["mention", "assigned", "due", "job"], bool] = {}

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str | None) -> str | None:
        if value is not None and value not in available_timezones():
            raise ValueError("This is not a time zone.")
        return value

    @field_validator("shortcuts")
    @classmethod
    def _short(cls, value: dict[str, str]) -> dict[str, str]:
        if any(len(name) > 60 or len(keys) > 40 for name, keys in value.items()):
            raise ValueError("Names of actions have at most 60 characters, keys 40.")
        return value


def merged(before: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """The settings after a change, where null takes back a choice; raises Invalid with every problem."""
    known = {key: value for key, value in before.items() if key in Preferences.model_fields}
    others = {key: value for key, value in before.items() if key not in Preferences.model_fields}
    wanted = {**known, **changes}
    checked = read(Preferences, {key: value for key, value in wanted.items() if value is not None}, "")
    return {**others, **checked.model_dump(mode="json", exclude_unset=True)}
