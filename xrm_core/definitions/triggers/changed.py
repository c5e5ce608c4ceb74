"""A value changes, perhaps from one given value or to one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import Field as Setting

from xrm_core.definitions.hints import FieldName, Means
from xrm_core.definitions.triggers.base import EventTrigger, Happening, Tell

FieldValue = Annotated[Any, Means("field-value", "fields")]


class Changed(EventTrigger):
    """One of these values changes."""

    kind: Literal["changed"]
    fields: tuple[FieldName, ...] = Setting(min_length=1, max_length=20, description="Fields or links.")
    before: tuple[FieldValue, ...] = Setting(
        default=(), max_length=50, alias="from", description="Only from one of these values; null is empty."
    )
    after: tuple[FieldValue, ...] = Setting(
        default=(), max_length=50, alias="to", description="Only to one of these values; null is empty."
    )
    on_create: bool = Setting(default=False, description="Also when a record is created with such a value.")

    def reads(self) -> Iterable[tuple[str, str]]:
        return ((f"/fields/{place}", name) for place, name in enumerate(self.fields))

    def watches(self) -> frozenset[str] | None:
        return None if self.on_create else frozenset(self.fields)

    def matches(self, happening: Happening) -> bool:
        if happening.what == "created":
            return self.on_create and not self.before and any(self._fits(happening, name) for name in self.fields)
        return happening.what == "changed" and any(
            name in happening.names and self._fits(happening, name) for name in self.fields
        )

    def _fits(self, happening: Happening, name: str) -> bool:
        was, now = happening.was(name), happening.now(name)
        if was == now or (happening.what == "created" and now is None):
            return False
        return (not self.before or was in self.before) and (not self.after or now in self.after)

    def sentence(self, tell: Tell) -> str:
        names = " / ".join(tell.label(name) for name in self.fields)
        text = tell.pick(f"When {names} changes", f"Wenn sich {names} ändert")
        if self.before:
            text += tell.pick(" from ", " von ") + _said(self.before)
        if self.after:
            text += tell.pick(" to ", " zu ") + _said(self.after)
        return text


def _said(values: tuple[Any, ...]) -> str:
    return " / ".join("–" if value is None else str(value) for value in values)
