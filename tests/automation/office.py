"""A small office as definitions: what the tests of automations work on."""

from __future__ import annotations

from typing import Any

from tests.records.shop import module
from xrm_core.definitions import DefinitionSet, Role
from xrm_core.definitions.automation import Automation
from xrm_core.definitions.reading import read

PROJECTS = module(
    "projects",
    "Project",
    title="{{ name }}",
    fields=[
        {"name": "name", "type": "text", "label": "Name", "required": True, "indexed": True},
        {"name": "starts_on", "type": "date", "label": "Starts on", "indexed": True},
        {"name": "meets_at", "type": "datetime", "label": "Meets at"},
        {"name": "seats", "type": "integer", "label": "Seats", "default": 1},
        {"name": "members_count", "type": "rollup", "label": "Taken", "link": "bookings", "function": "count",
         "where": "not cancelled"},
        {"name": "last_call", "type": "datetime", "label": "Last call"},
        {"name": "active", "type": "boolean", "label": "Active", "default": True},
        {"name": "mail", "type": "email", "label": "Mail"},
        {"name": "note", "type": "text", "label": "Note"},
        {"name": "count", "type": "integer", "label": "Count", "default": 0},
    ],
    links=[{"name": "client", "label": "Client", "to": ["clients"], "inverse": {"name": "projects", "label": "Projects"}}],
    pipelines=[{"name": "project", "label": "Project", "stages": [
        {"name": "open", "label": "Open"},
        {"name": "running", "label": "Running"},
        {"name": "full", "label": "Full", "category": "won"},
        {"name": "lost", "label": "Lost", "category": "lost"},
    ]}],
)
CLIENTS = module(
    "clients", "Client", title="{{ name }}",
    fields=[{"name": "name", "type": "text", "label": "Name", "required": True, "indexed": True},
            {"name": "email", "type": "email", "label": "E-mail"},
            {"name": "opted_out", "type": "boolean", "label": "Opted out", "default": False},
            {"name": "language", "type": "text", "label": "Language"}],
)  # fmt: skip
BOOKINGS = module(
    "bookings", "Booking", title="{{ who }}",
    fields=[{"name": "who", "type": "text", "label": "Who", "required": True},
            {"name": "cancelled", "type": "boolean", "label": "Cancelled", "default": False}],
    links=[{"name": "project", "label": "Project", "to": ["projects"], "required": True,
            "inverse": {"name": "bookings", "label": "Bookings"}}],
)  # fmt: skip
TASKS = module(
    "tasks", "Task", title="{{ title_text }}",
    fields=[{"name": "title_text", "type": "text", "label": "What", "required": True},
            {"name": "assignee", "type": "user", "label": "Who"},
            {"name": "due_on", "type": "date", "label": "Due"},
            {"name": "done", "type": "boolean", "label": "Done", "default": False}],
    links=[{"name": "about", "label": "About", "to": ["projects", "clients"], "inverse": {"name": "tasks", "label": "Tasks"}}],
    task={"assignee": "assignee", "due": "due_on", "done_when": "done", "done": {"done": True}},
)  # fmt: skip


CLERK = Role.model_validate({"name": "clerk", "label": "Clerk", "modules": {"*": {"see": "all", "create": True, "edit": "all"}}})


def automation(name: str, **settings: Any) -> Automation:
    """An automation from plain data, switched on."""
    return read(Automation, {"name": name, "label": name.title(), "module": "projects", "state": "on", **settings})


def office(*automations: Automation) -> DefinitionSet:
    """The office with these automations."""
    return DefinitionSet(modules=(PROJECTS, CLIENTS, BOOKINGS, TASKS), roles=(CLERK,), automations=automations)
