"""What each kind of step does: one action each, and this list."""

from __future__ import annotations

from xrm_core.automation.actions import flow, messages, records
from xrm_core.automation.actions.base import Action, Outcome, Run
from xrm_core.definitions.steps import (
    ArchiveRecords,
    AssignRecord,
    CallWebhook,
    CreateRecord,
    CreateTask,
    Enrol,
    LinkRecords,
    MoveRecords,
    Notify,
    SendMail,
    Step,
    Stop,
    UpdateRecords,
)
from xrm_core.definitions.steps.flow import Wait

ACTIONS: dict[type[Step], Action] = {
    SendMail: messages.send,
    CreateRecord: records.create,
    UpdateRecords: records.update,
    LinkRecords: records.link,
    ArchiveRecords: records.archive,
    MoveRecords: records.move,
    CreateTask: records.task,
    Notify: messages.notify,
    AssignRecord: records.assign,
    CallWebhook: messages.webhook,
    Wait: flow.wait,
    Stop: flow.stop,
    Enrol: flow.enrol,
}

__all__ = ["ACTIONS", "Action", "Outcome", "Run"]
