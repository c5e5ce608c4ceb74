"""A client of the real application over a fresh workspace with two linked modules and three users."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from argon2 import PasswordHasher

from xrm_core.access.passwords import Passwords
from xrm_core.app import Application, Process, assemble
from xrm_core.kernel.clock import FixedClock
from xrm_core.settings import Settings
from xrm_core.storage.database import Database
from xrm_core.storage.workspaces import Workspace

PASSWORD = "a long pass phrase"
COMPANIES: dict[str, Any] = {
    "name": "companies", "label": "Company", "label_plural": "Companies", "icon": "building", "title": "{{ name }}",
    "fields": [
        {"name": "name", "type": "text", "label": "Name", "required": True, "indexed": True},
        {"name": "employees", "type": "integer", "label": "Employees", "indexed": True, "min": 0},
        {"name": "revenue", "type": "money", "label": "Revenue"},
        {"name": "founded", "type": "date", "label": "Founded", "indexed": True},
        {"name": "tags", "type": "multi_select", "label": "Tags", "indexed": True,
         "options": [{"name": "big", "label": "Big"}, {"name": "new", "label": "New"}]},
        {"name": "notes", "type": "long_text", "label": "Notes"},
    ],
}  # fmt: skip
TICKETS: dict[str, Any] = {
    "name": "tickets", "label": "Ticket", "label_plural": "Tickets", "icon": "ticket", "title": "{{ subject }}",
    "fields": [
        {"name": "subject", "type": "text", "label": "Subject", "required": True, "indexed": True, "searchable": True},
        {"name": "code", "type": "text", "label": "Code", "unique": True},
        {"name": "hours", "type": "decimal", "label": "Hours", "scale": 2, "indexed": True},
        {"name": "closed_because", "type": "text", "label": "Reason"},
        {"name": "paper", "type": "file", "label": "Paper"},
    ],
    "links": [
        {"name": "company", "label": "Company", "to": ["companies"], "on_delete": "restrict",
         "inverse": {"name": "tickets", "label": "Tickets"}},
        {"name": "related_to", "label": "Related", "to": ["tickets"], "many": True,
         "inverse": {"name": "related_from", "label": "Related from"}},
    ],
    "pipelines": [
        {"name": "handling", "label": "Handling", "field": "stage", "stages": [
            {"name": "open", "label": "Open", "category": "open"},
            {"name": "doing", "label": "Doing", "category": "open", "requires": ["hours"]},
            {"name": "done", "label": "Done", "category": "won"}]},
    ],
}  # fmt: skip


@dataclass
class Api:
    """Clients with different rights, and what is behind them."""

    process: Process
    application: Application
    workspace: Workspace
    admin: httpx.AsyncClient
    member: httpx.AsyncClient
    viewer: httpx.AsyncClient
    nobody: httpx.AsyncClient
    clock: FixedClock


def ok(response: httpx.Response, status: int = 200) -> Any:
    """The JSON of an answer that must have this status."""
    assert response.status_code == status, f"{response.status_code}: {response.text}"
    return response.json() if response.content else None


def refused(response: httpx.Response, status: int) -> list[dict[str, str]]:
    """The problems of a refusal that must have this status."""
    assert response.status_code == status, f"{response.status_code}: {response.text}"
    assert response.headers["content-type"] == "application/problem+json"
    document = response.json()
    assert document["status"] == status and document["request_id"] == response.headers["x-request-id"]
    assert document["problems"] and all({"code", "path", "message"} <= set(problem) for problem in document["problems"])
    found: list[dict[str, str]] = document["problems"]
    return found


@pytest.fixture
async def api(database: Database, workspace: Workspace, clock: FixedClock, tmp_path: Any) -> AsyncIterator[Api]:
    """The application with modules `companies` and `tickets`."""
    settings = Settings.load({"XRM_DATA_DIR": str(tmp_path), "XRM_FILE_LIMIT_MB": "1", "XRM_BODY_LIMIT_MB": "2"})
    hasher = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    process = assemble(settings, database, clock, hasher)
    application = Application(process)
    transport = httpx.ASGITransport(app=application, raise_app_exceptions=False)  # type: ignore[arg-type]

    def client(headers: dict[str, str] | None = None) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=transport, base_url="http://xrm.example/api/v1", headers=headers or {})

    clients = {}
    for role in ("admin", "member", "viewer"):
        made = await process.users.create(
            workspace, email=f"{role}@example.com", name=role, roles=[role], password=PASSWORD
        )
        _, secret = await process.tokens.create(workspace, made.member.id, "test")
        clients[role] = client({"Authorization": f"Bearer {secret}"})
    for module in (COMPANIES, TICKETS):
        ok(await clients["admin"].post("/modules", json=module), 201)
    nobody = client()
    yield Api(process, application, workspace, **clients, nobody=nobody, clock=clock)
    for one in (*clients.values(), nobody):
        await one.aclose()


@pytest.fixture
def make(api: Api) -> Callable[..., Any]:
    """Creates a record and returns it."""

    async def create(module: str, **values: Any) -> dict[str, Any]:
        made: dict[str, Any] = ok(await api.admin.post(f"/records/{module}", json=values), 201)
        return made

    return create
