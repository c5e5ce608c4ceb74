"""All kinds of steps: one class each, and this list."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field as Setting

from xrm_core.definitions.steps.base import Step, Text, Write
from xrm_core.definitions.steps.flow import Branch, Enrol, Stop, Wait
from xrm_core.definitions.steps.messages import CallWebhook, Notify, SendMail, Table
from xrm_core.definitions.steps.records import (
    ArchiveRecords,
    AssignRecord,
    CreateRecord,
    CreateTask,
    LinkRecords,
    MoveRecords,
    UpdateRecords,
)

AnyStep = Annotated[
    SendMail
    | CreateRecord
    | UpdateRecords
    | LinkRecords
    | ArchiveRecords
    | MoveRecords
    | CreateTask
    | Notify
    | AssignRecord
    | CallWebhook
    | Wait
    | Branch
    | Stop
    | Enrol,
    Setting(discriminator="do"),
]
"""Every kind of step."""

Branch.model_rebuild(_types_namespace={"AnyStep": AnyStep})

__all__ = [
    "AnyStep",
    "ArchiveRecords",
    "AssignRecord",
    "Branch",
    "CallWebhook",
    "CreateRecord",
    "CreateTask",
    "Enrol",
    "LinkRecords",
    "MoveRecords",
    "Notify",
    "SendMail",
    "Step",
    "Stop",
    "Table",
    "Text",
    "UpdateRecords",
    "Wait",
    "Write",
]
