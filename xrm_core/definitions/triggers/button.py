"""Somebody presses a button on the record's page."""

from __future__ import annotations

from typing import Literal

from xrm_core.definitions.triggers.base import Tell, Trigger
from xrm_core.fields.base import LabelText


class Button(Trigger):
    """Somebody starts it by hand."""

    kind: Literal["button"]
    label: LabelText | None = None

    def sentence(self, tell: Tell) -> str:
        return tell.pick("When somebody starts it by hand", "Wenn jemand es von Hand startet")
