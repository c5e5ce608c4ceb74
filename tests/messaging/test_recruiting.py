"""The recruiting pack with real servers around it, and a worker: a candidate's answer, from the mailbox to the end of a sequence."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from argon2 import PasswordHasher

from tests.api.conftest import PASSWORD, Api, ok
from tests.messaging.conftest import Desk
from tests.messaging.counterparts import MailServer, Post
from tests.messaging.test_mail_in import add_box, folder, mail
from tests.records.conftest import install
from xrm_core.access.passwords import Passwords
from xrm_core.app import Application, assemble
from xrm_core.automation import arming
from xrm_core.definitions.pack_contents import composed
from xrm_core.kernel.clock import FixedClock
from xrm_core.messaging.delivery import Delivery
from xrm_core.messaging.office import Server
from xrm_core.packs import shelf
from xrm_core.settings import Settings
from xrm_core.storage.database import Database
from xrm_core.storage.workspaces import Workspace
from xrm_core.worker import Worker

__all__ = ["folder"]
PACKS = Path(__file__).parents[2] / "module_packs"
SITE = "http://xrm.example"
FOLLOW: dict[str, Any] = {
    "name": "follow", "label": "Follow up", "module": "candidates", "state": "on", "exit_on_reply": True,
    "triggers": [{"kind": "button"}],
    "steps": [
        {"do": "mail", "to": ["email"], "subject": "A role for you", "text": "Dear {{ name }}, shall we talk?"},
        {"do": "wait", "for": {"value": 3, "unit": "days"}},
        {"do": "mail", "to": ["email"], "subject": "Still there?", "text": "Dear {{ name }}, one more time."},
    ],
}  # fmt: skip


@pytest.fixture
async def agency(
    database: Database, workspace: Workspace, clock: FixedClock, tmp_path: Path, post: Post
) -> AsyncIterator[Desk]:
    """The application with the recruiting pack, its mail going to `post`."""
    contents = shelf.contents([PACKS], "recruiting")
    await install(database, workspace, clock, composed(shelf.with_required([PACKS], contents)))
    settings = Settings.load({"XRM_DATA_DIR": str(tmp_path)})
    process = assemble(settings, database, clock, Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)))
    office = replace(
        process.services.office, smtp=Server("127.0.0.1", post.port, "none"), smtp_from="office@xrm.test",
        public_url="https://xrm.test", private_hosts=True,
    )  # fmt: skip
    object.__setattr__(process.services, "office", office)
    transport = httpx.ASGITransport(app=Application(process), raise_app_exceptions=False)  # type: ignore[arg-type]
    made = await process.users.create(
        workspace, email="admin@example.com", name="admin", roles=["admin"], password=PASSWORD
    )
    _, secret = await process.tokens.create(workspace, made.member.id, "test")
    headers = {"Authorization": f"Bearer {secret}"}
    client = httpx.AsyncClient(transport=transport, base_url=f"{SITE}/api/v1", headers=headers)
    api = Api(process, Application(process), workspace, client, client, client, client, clock=clock)
    delivery = Delivery(process.units, office)
    yield Desk(api, post, office, delivery)
    await delivery.stop(0)
    await client.aclose()


async def work(worker: Worker) -> None:
    """One round of everything that the worker does every few seconds."""
    await worker.automate()
    await worker.messages()
    assert worker.delivery is not None
    await worker.delivery.settle()
    await worker.mailboxes()
    await worker.automate()


async def test_an_answer_is_on_the_timelines_and_ends_the_sequence(
    agency: Desk, imap: MailServer, folder: str, clock: FixedClock
) -> None:
    api = agency.api
    worker = Worker(api.process.database, api.process.units, clock, agency.office)
    ok(await api.admin.post("/automations", json=FOLLOW), 201)
    await arming.bring_up_to_date(api.process.units, api.workspace)
    name = {"first": "Ada", "last": "Byron"}
    ada = await agency.new("candidates", name=name, email="ada@customer.test", legal_basis="legitimate_interest")
    bo = await agency.new(
        "candidates", name={"first": "Bo", "last": "Other"}, email="bo@else.test", legal_basis="legitimate_interest"
    )
    client = await agency.new("clients", name="Harbour Freight")
    job = await agency.new("job_orders", role_title="Engineer", client=client["id"])
    await agency.new("submissions", candidate=ada["id"], job_order=job["id"])
    await add_box(agency, imap, folder)
    for one in (ada, bo):
        ok(await api.admin.post("/automations/follow/start", json={"record": one["id"]}), 202)
    await work(worker)
    assert {letter.recipients[0] for letter in agency.post.box} == {"ada@customer.test", "bo@else.test"}
    (first,) = agency.post.to("ada@customer.test")
    runs = ok(await api.admin.get("/automations/follow/runs"))["data"]
    assert {run["state"] for run in runs} == {"waiting"}
    clock.move(timedelta(days=1))
    date = clock.now().strftime("%a, %d %b %Y %H:%M:%S +0000")
    reply = mail(
        "Ada <ada@customer.test>", "Yes, gladly.", In_Reply_To=first.id, Subject="Re: A role for you", Date=date
    )
    imap.put(reply.as_bytes(), folder=folder)
    clock.move(timedelta(seconds=60))
    await work(worker)
    for module, record in (("candidates", ada), ("job_orders", job)):
        timeline = ok(await api.admin.get(f"/records/{module}/{record['id']}/timeline"))["data"]
        (entry,) = [one["message"] for one in timeline if one.get("message", {}).get("direction") == "in"]
        assert entry["text"].strip() == "Yes, gladly."
        page = (await api.admin.get(f"{SITE}/m/{module}/{record['id']}")).text
        assert "Yes, gladly." in page and "Re: A role for you" in page
    runs = ok(await api.admin.get("/automations/follow/runs"))["data"]
    ended = {run["record"]["id"]: (run["state"], run["reason"]) for run in runs}
    assert ended == {ada["id"]: ("done", "reply"), bo["id"]: ("waiting", None)}
    clock.move(timedelta(days=3))
    await work(worker)
    assert len(agency.post.to("ada@customer.test")) == 1 and len(agency.post.to("bo@else.test")) == 2
