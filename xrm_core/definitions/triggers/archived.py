"""A record is archived."""

from __future__ import annotations

from typing import Literal

from xrm_core.definitions.triggers.base import EventTrigger, Happening, Tell


class Archived(EventTrigger):
    """A record is archived."""

    kind: Literal["archived"]

    def matches(self, happening: Happening) -> bool:
        return happening.what == "archived"

    def sentence(self, tell: Tell) -> str:
        return tell.pick("When a record is archived", "Wenn ein Datensatz archiviert wird")
