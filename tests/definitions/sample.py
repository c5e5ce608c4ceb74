"""A small set of definitions that the tests start from: companies, people, projects with stages, tasks and notes."""

from __future__ import annotations

import copy
from typing import Any

from xrm_core.definitions.collection import DefinitionSet
from xrm_core.definitions.module import Module
from xrm_core.definitions.reading import read
from xrm_core.definitions.role import Role

MODULES: dict[str, dict[str, Any]] = {
    "companies": {
        "name": "companies",
        "label": "Company",
        "label_plural": "Companies",
        "title": "{{ name }}",
        "fields": [
            {"name": "name", "type": "text", "label": "Name", "required": True, "indexed": True},
            {
                "name": "tier",
                "type": "select",
                "label": "Tier",
                "options": [{"name": "a", "label": "A"}, {"name": "b", "label": "B"}],
            },
            {
                "name": "budget",
                "type": "rollup",
                "label": "Budget",
                "link": "projects",
                "function": "sum",
                "field": "budget",
                "where": "stage != 'lost'",
            },
            {
                "name": "open_tasks",
                "type": "rollup",
                "label": "Open tasks",
                "link": "projects.tasks",
                "function": "count",
                "where": "not done",
            },
        ],
        "links": [
            {
                "name": "parent",
                "label": "Parent",
                "to": ["companies"],
                "inverse": {"name": "children", "label": "Children"},
            }
        ],
    },
    "people": {
        "name": "people",
        "label": "Person",
        "label_plural": "People",
        "title": "{{ name }}",
        "fields": [
            {"name": "name", "type": "person_name", "label": "Name", "required": True, "indexed": True},
            {"name": "email", "type": "email", "label": "E-mail", "unique": True},
            {"name": "birthday", "type": "date", "label": "Birthday"},
            {"name": "age", "type": "formula", "label": "Age", "formula": "years_between(birthday, today())"},
            {"name": "employer_name", "type": "lookup", "label": "Employer", "link": "employer", "field": "name"},
        ],
        "links": [
            {
                "name": "employer",
                "label": "Employer",
                "to": ["companies"],
                "inverse": {"name": "staff", "label": "Staff"},
            }
        ],
        "rules": [{"name": "same", "kind": "duplicate", "match": ["email"], "message": "Looks like the same person."}],
    },
    "projects": {
        "name": "projects",
        "label": "Project",
        "label_plural": "Projects",
        "title": "{{ name }} for {{ company.name }}",
        "fields": [
            {"name": "name", "type": "text", "label": "Name", "required": True},
            {"name": "start_date", "type": "date", "label": "Start", "indexed": True},
            {"name": "warranty", "type": "duration", "label": "Warranty"},
            {
                "name": "warranty_end",
                "type": "formula",
                "label": "Warranty ends",
                "formula": "start_date + warranty",
                "indexed": True,
            },
            {"name": "budget", "type": "money", "label": "Budget"},
            {"name": "share", "type": "percent", "label": "Share"},
            {"name": "portion", "type": "formula", "label": "Portion", "formula": "budget * share / 100"},
            {
                "name": "effort",
                "type": "rollup",
                "label": "Effort",
                "link": "tasks",
                "function": "sum",
                "field": "hours",
            },
            {"name": "manager", "type": "user", "label": "Manager"},
        ],
        "links": [
            {
                "name": "company",
                "label": "Company",
                "to": ["companies"],
                "required": True,
                "on_delete": "restrict",
                "inverse": {"name": "projects", "label": "Projects"},
            },
            {
                "name": "members",
                "label": "Members",
                "to": ["people"],
                "many": True,
                "attributes": [{"name": "part", "type": "text", "label": "Part"}],
                "inverse": {"name": "projects", "label": "Projects"},
            },
        ],
        "pipelines": [
            {
                "name": "work",
                "label": "Work",
                "stages": [
                    {"name": "planned", "label": "Planned"},
                    {
                        "name": "running",
                        "label": "Running",
                        "requires": ["start_date"],
                        "entry_when": "budget > money(0, 'EUR')",
                    },
                    {"name": "done", "label": "Done", "category": "won", "moves_to": ["running"]},
                    {
                        "name": "lost",
                        "label": "Lost",
                        "category": "lost",
                        "reasons": [{"name": "price", "label": "Price"}],
                    },
                ],
            }
        ],
        "rules": [
            {
                "name": "dates",
                "kind": "validation",
                "when": "is_not_empty(start_date)",
                "check": "start_date > company.created_at",
                "message": "Too early.",
                "fields": ["start_date"],
            },
            {"name": "once", "kind": "unique", "fields": ["company", "name"], "message": "There is one already."},
        ],
        "layout": {
            "sections": [{"name": "main", "label": "Main", "fields": ["name", "company", "start_date", "members"]}],
            "quick_create": ["name", "company"],
            "facts": ["stage", "effort"],
        },
        "views": [
            {
                "name": "all",
                "label": "All",
                "columns": ["name", "company.name", "stage"],
                "sort": ["-start_date"],
                "default": True,
            },
            {
                "name": "board",
                "label": "Board",
                "layout": "board",
                "filter": "stage != 'lost' and company.tier == 'a'",
                "sum": "budget",
            },
            {"name": "when", "label": "When", "layout": "calendar", "date_field": "start_date"},
        ],
    },
    "tasks": {
        "name": "tasks",
        "label": "Task",
        "label_plural": "Tasks",
        "kind": "child",
        "title": "{{ what }}",
        "fields": [
            {"name": "what", "type": "text", "label": "What", "required": True},
            {"name": "hours", "type": "decimal", "label": "Hours"},
            {"name": "done", "type": "boolean", "label": "Done"},
        ],
        "links": [
            {
                "name": "project",
                "label": "Project",
                "to": ["projects"],
                "owner": True,
                "required": True,
                "on_delete": "cascade",
                "inverse": {"name": "tasks", "label": "Tasks"},
            }
        ],
    },
    "notes": {
        "name": "notes",
        "label": "Note",
        "label_plural": "Notes",
        "title": "{{ subject }} on {{ about.title }}",
        "fields": [
            {"name": "subject", "type": "text", "label": "Subject"},
            {"name": "body", "type": "rich_text", "label": "Body"},
        ],
        "links": [
            {
                "name": "about",
                "label": "About",
                "to": ["companies", "people"],
                "inverse": {"name": "notes", "label": "Notes"},
            }
        ],
    },
}

ROLES: dict[str, dict[str, Any]] = {
    "member": {
        "name": "member",
        "label": "Member",
        "modules": {"*": {"see": "all", "create": True, "edit": "own"}, "projects": {"see": "all"}},
        "hidden_fields": {"people": ["birthday"]},
    }
}


def modules() -> dict[str, dict[str, Any]]:
    """The module definitions as plain data, to be changed at will."""
    return copy.deepcopy(MODULES)


def build(
    data: dict[str, dict[str, Any]] | None = None, roles: dict[str, dict[str, Any]] | None = None
) -> DefinitionSet:
    """The set of these modules and roles."""
    return DefinitionSet(
        modules=tuple(read(Module, module) for module in (data or modules()).values()),
        roles=tuple(read(Role, role) for role in (ROLES if roles is None else roles).values()),
    )
