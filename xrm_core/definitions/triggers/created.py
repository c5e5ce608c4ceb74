"""A record is created."""

from __future__ import annotations

from typing import Literal

from xrm_core.definitions.triggers.base import EventTrigger, Happening, Tell


class Created(EventTrigger):
    """A record is created."""

    kind: Literal["created"]

    def matches(self, happening: Happening) -> bool:
        return happening.what == "created"

    def sentence(self, tell: Tell) -> str:
        return tell.pick("When a record is created", "Wenn ein Datensatz angelegt wird")
