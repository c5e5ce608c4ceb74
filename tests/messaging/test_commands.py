"""`xrm mailbox`, and the worker with real servers at both ends."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from tests.api.conftest import ok
from tests.cli.conftest import Run, run
from tests.messaging.conftest import Desk
from tests.messaging.counterparts import MailServer
from tests.messaging.test_mail_in import about, add_box, mail
from xrm_core.worker import Worker

__all__ = ["run"]


def test_accounts_by_command(run: Run) -> None:
    run("db", "upgrade")
    run("workspace", "create", "mails", "--name", "Mails")
    try:
        options = ["--workspace", "mails", "--json"]
        made = json.loads(run(
            "mailbox", "add", "smtp", "--address", "Office@example.com", "--host", "127.0.0.1", "--user", "me", "--password-stdin",
            *options, input="secret\n").stdout)  # fmt: skip
        assert made["address"] == "office@example.com"
        listed = run("mailbox", "list", *options).stdout
        assert [one["kind"] for one in json.loads(listed)] == ["smtp"] and "secret" not in listed
        assert json.loads(run("mailbox", "check", *options).stdout) == {"mails": 0, "errors": {}}
        run("mailbox", "add", "imap", "--address", "nobody", "--host", "x", *options, status=1)
        run("mailbox", "remove", made["id"], *options)
        run("mailbox", "remove", made["id"], *options, status=1)
    finally:
        run("workspace", "drop", "mails", "--yes")


async def test_a_worker_sends_and_fetches(desk: Desk, imap: MailServer) -> None:
    ada = await desk.new("people", name="Ada", email="ada@customer.test")
    folder = imap.folder("worker")
    await add_box(desk, imap, folder)
    imap.put(mail(Subject="From Ada").as_bytes(), folder=folder)
    record = {"module": "people", "id": ada["id"]}
    ok(
        await desk.api.member.post(
            "/mail", json={"to": ["ada@customer.test"], "subject": "To Ada", "text": "x", "records": [record]}
        ),
        201,
    )
    stop = asyncio.Event()
    worker = Worker(desk.api.process.database, desk.api.process.units, desk.api.clock, desk.office)
    running = asyncio.create_task(worker.run(stop))
    found: list[dict[str, Any]] = []
    for _ in range(300):
        await asyncio.sleep(0.1)
        found = await about(desk, "people", ada["id"])
        if sorted(one["state"] for one in found) == ["received", "sent"]:
            break
    stop.set()
    await running
    assert sorted(one["subject"] for one in found) == ["From Ada", "To Ada"] and len(desk.post.box) == 1
