"""All kinds of triggers: one class in one file each, and this list."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field as Setting

from xrm_core.definitions.triggers.archived import Archived
from xrm_core.definitions.triggers.base import Due, EventTrigger, Happening, Offset, Tell, TimeTrigger, Trigger
from xrm_core.definitions.triggers.button import Button
from xrm_core.definitions.triggers.changed import Changed
from xrm_core.definitions.triggers.created import Created
from xrm_core.definitions.triggers.cron import Cron
from xrm_core.definitions.triggers.date import Dated
from xrm_core.definitions.triggers.every import Every
from xrm_core.definitions.triggers.received import Called, MailReceived
from xrm_core.definitions.triggers.stage import StageEntered, StageLeft
from xrm_core.definitions.triggers.stuck import Stuck

AnyTrigger = Annotated[
    Created
    | Changed
    | Archived
    | StageEntered
    | StageLeft
    | Stuck
    | Dated
    | Every
    | Cron
    | MailReceived
    | Called
    | Button,
    Setting(discriminator="kind"),
]
"""Every kind of trigger."""

__all__ = [
    "AnyTrigger",
    "Button",
    "Called",
    "Cron",
    "Due",
    "EventTrigger",
    "Happening",
    "MailReceived",
    "Offset",
    "Tell",
    "TimeTrigger",
    "Trigger",
]
