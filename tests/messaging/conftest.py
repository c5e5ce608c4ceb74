"""The application with people, a deal module and real servers around it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import httpx
import pytest
from argon2 import PasswordHasher

from tests.api.conftest import PASSWORD, Api, ok
from tests.messaging.counterparts import MailServer, Post, start_post
from tests.records.conftest import install
from xrm_core.access.passwords import Passwords
from xrm_core.app import Application, assemble
from xrm_core.definitions import DefinitionSet, Module
from xrm_core.kernel.actor import SYSTEM
from xrm_core.kernel.clock import FixedClock
from xrm_core.messaging.delivery import Delivery, run_due
from xrm_core.messaging.office import Office, Server
from xrm_core.settings import Settings
from xrm_core.storage import outbox
from xrm_core.storage.database import Database
from xrm_core.storage.workspaces import Workspace

PEOPLE: dict[str, Any] = {
    "name": "people", "label": "Person", "label_plural": "People", "title": "{{ name }}",
    "fields": [
        {"name": "name", "type": "text", "label": "Name", "required": True, "indexed": True},
        {"name": "email", "type": "email", "label": "E-mail", "indexed": True},
        {"name": "language", "type": "text", "label": "Language"},
        {"name": "born", "type": "date", "label": "Born"},
    ],
}  # fmt: skip
DEALS: dict[str, Any] = {
    "name": "deals", "label": "Deal", "label_plural": "Deals", "title": "{{ name }}",
    "fields": [
        {"name": "name", "type": "text", "label": "Name", "required": True},
        {"name": "value", "type": "money", "label": "Value"},
        {"name": "closes", "type": "date", "label": "Closes"},
    ],
    "links": [{"name": "buyer", "label": "Buyer", "to": ["people"], "inverse": {"name": "deals", "label": "Deals"}}],
    "pipelines": [{"name": "sale", "label": "Sale", "field": "stage", "stages": [
        {"name": "talking", "label": "Talking", "category": "open"}, {"name": "sold", "label": "Sold", "category": "won"}]}],
}  # fmt: skip
MEETINGS: dict[str, Any] = {
    "name": "meetings", "label": "Meeting", "label_plural": "Meetings", "title": "{{ subject }}",
    "fields": [
        {"name": "subject", "type": "text", "label": "Subject", "required": True},
        {"name": "starts_at", "type": "datetime", "label": "Starts", "indexed": True},
        {"name": "ends_at", "type": "datetime", "label": "Ends"},
        {"name": "room", "type": "text", "label": "Room"},
        {"name": "off", "type": "boolean", "label": "Called off"},
        {"name": "ours", "type": "user", "label": "Ours", "multiple": True},
    ],
    "links": [
        {"name": "deal", "label": "Deal", "to": ["deals"], "inverse": {"name": "meetings", "label": "Meetings"}},
        {"name": "others", "label": "Others", "to": ["people"], "many": True, "inverse": {"name": "meetings", "label": "Meetings"}},
    ],
    "event": {"start": "starts_at", "end": "ends_at", "who": ["ours"], "when": "off != true", "place": "room",
              "guests": ["deal.buyer", "others"]},
}  # fmt: skip


@dataclass
class Desk:
    """The application, its outbox, and the servers around it."""

    api: Api
    post: Post
    office: Office
    delivery: Delivery

    async def deliver(self) -> None:
        """Everything that is due now."""
        await run_due(self.delivery, self.api.workspace)

    async def new(self, module: str, **values: Any) -> dict[str, Any]:
        made: dict[str, Any] = ok(await self.api.admin.post(f"/records/{module}", json=values), 201)
        return made

    async def failed(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = ok(await self.api.admin.get("/outbox"))["data"]
        return found

    async def effects(self, state: Any) -> list[outbox.Effect]:
        async with self.api.process.database.writing() as connection:
            return await outbox.listed(connection, self.api.workspace.schema, state, before=None, limit=200)

    async def put(self, key: str, **payload: Any) -> UUID | None:
        """As an automation asks for a mail."""
        async with self.api.process.units.begin(self.api.workspace, SYSTEM) as unit:
            return await outbox.put(await unit.transaction(), unit.schema, "mail", key, payload, now=unit.now)

    async def member_id(self, client: Any) -> str:
        return str(ok(await client.get("/me"))["id"])


@pytest.fixture(scope="session")
def imap() -> Iterator[MailServer]:
    """An IMAP server."""
    found = MailServer()
    yield found
    found.stop()


@pytest.fixture
async def post() -> AsyncIterator[Post]:
    """A mail server of others."""
    found = Post()
    server = await start_post(found)
    yield found
    server.close()


@pytest.fixture
async def api(database: Database, workspace: Workspace, clock: FixedClock, tmp_path: Any) -> AsyncIterator[Api]:
    """The application with people, deals and meetings, all published at once."""
    definitions = DefinitionSet(modules=tuple(Module.model_validate(one) for one in (PEOPLE, DEALS, MEETINGS)))
    await install(database, workspace, clock, definitions)
    settings = Settings.load({"XRM_DATA_DIR": str(tmp_path), "XRM_FILE_LIMIT_MB": "1", "XRM_BODY_LIMIT_MB": "2"})
    process = assemble(settings, database, clock, Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)))
    application = Application(process)
    transport = httpx.ASGITransport(app=application, raise_app_exceptions=False)  # type: ignore[arg-type]
    clients = {"nobody": httpx.AsyncClient(transport=transport, base_url="http://xrm.example/api/v1")}
    for role in ("admin", "member", "viewer"):
        made = await process.users.create(
            workspace, email=f"{role}@example.com", name=role, roles=[role], password=PASSWORD
        )
        _, secret = await process.tokens.create(workspace, made.member.id, "test")
        headers = {"Authorization": f"Bearer {secret}"}
        clients[role] = httpx.AsyncClient(transport=transport, base_url="http://xrm.example/api/v1", headers=headers)
    yield Api(process, application, workspace, **clients, clock=clock)
    for one in clients.values():
        await one.aclose()


@pytest.fixture
async def desk(api: Api, post: Post) -> AsyncIterator[Desk]:
    """The application, its mail going to `post`."""
    office = replace(
        api.process.services.office, smtp=Server("127.0.0.1", post.port, "none"), smtp_from="office@xrm.test",
        public_url="https://xrm.test", private_hosts=True,
    )  # fmt: skip
    object.__setattr__(api.process.services, "office", office)
    delivery = Delivery(api.process.units, office)
    yield Desk(api, post, office, delivery)
    await delivery.stop(0)
