"""Processes that are killed while they send: each mail is in the box once, and what is unclear is listed, not repeated."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta

from psycopg.conninfo import make_conninfo

from tests.messaging.counterparts import Post
from xrm_core.messaging import delivery as delivering
from xrm_core.storage import outbox
from xrm_core.storage.database import Database
from xrm_core.storage.workspaces import Workspace

MAILS = 2_000 if os.environ.get("XRM_TEST_ALL") else 48
ROUNDS = 10 if os.environ.get("XRM_TEST_ALL") else 2
NAME = "xrm-sender-to-be-killed"


async def start(dsn: str, workspace: Workspace, port: int) -> asyncio.subprocess.Process:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.messaging.sender", make_conninfo(dsn, application_name=NAME), workspace.slug,
        str(port), stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    assert (await asyncio.wait_for(process.stdout.readline(), 60)).strip() == b"ready"
    return process


async def expire(database: Database, workspace: Workspace) -> None:
    """As if the time of all claims were over."""
    async with database.writing() as connection:
        for _ in range(200):
            cursor = await connection.execute(
                "select count(*) from pg_catalog.pg_stat_activity a where a.application_name = %s::text", [NAME]
            )
            if (await cursor.fetchone()) == (0,):
                break
            await asyncio.sleep(0.05)
        await connection.execute(
            f"update {workspace.schema}.outbox set claimed_until = %s::timestamptz where claimed_until is not null",
            [datetime.now(UTC) - timedelta(minutes=1)],
        )


async def test_killed_senders_send_each_mail_once(
    database: Database, workspace: Workspace, database_dsn: str, post: Post
) -> None:
    assert delivering.ONCE_ONLY == ("mail",)
    ids = set()
    for number in range(MAILS):
        payload = {"to": [f"p{number}@customer.test"], "subject": f"m{number}", "text": "x"}
        async with database.transaction() as connection:
            now = datetime.now(UTC)
            ids.add(await outbox.put(connection, workspace.schema, "mail", f"key {number}", payload, now=now))
    kills = 0
    for _ in range(ROUNDS):
        processes = await asyncio.gather(*(start(database_dsn, workspace, post.port) for _ in range(2)))
        seen = len(post.box)
        for _ in range(1_000):
            if len(post.box) >= seen + MAILS // (ROUNDS + 1):
                break
            await asyncio.sleep(0.01)
        await asyncio.sleep(random.uniform(0, 0.03))
        for process in processes:
            os.kill(process.pid, signal.SIGKILL)
            await process.wait()
            kills += 1
        await expire(database, workspace)
    last = await start(database_dsn, workspace, post.port)
    for _ in range(1_500):
        async with database.writing() as connection:
            failed = await outbox.listed(connection, workspace.schema, "failed", before=None, limit=MAILS)
            done = await outbox.listed(connection, workspace.schema, "done", before=None, limit=MAILS)
        if len(failed) + len(done) == MAILS:
            break
        await asyncio.sleep(0.02)
    os.kill(last.pid, signal.SIGKILL)
    await last.wait()
    await expire(database, workspace)
    arrived = Counter(letter.id for letter in post.box)
    assert max(arrived.values()) == 1, "none came twice"
    assert kills >= 2 and len(failed) + len(done) == MAILS
    assert all(one.error and one.error.startswith(outbox.UNCERTAIN) for one in failed)
    assert len(failed) <= kills * delivering.MOST, "unclear is only what was under way"
    names = {letter.id.strip("<>").split("@")[0] for letter in post.box}
    assert {str(one.id) for one in done} <= names, "what is marked as done has arrived"
    assert {str(one) for one in ids} == names | {str(one.id) for one in failed}, "and nothing is lost"
    if not failed:
        return
    # Whoever tries the unclear ones again sends them under the same Message-ID, by which receivers know them.
    async with database.writing() as connection:
        for one in failed:
            assert await outbox.retry(connection, workspace.schema, one.id, datetime.now(UTC))
    again = await start(database_dsn, workspace, post.port)
    for _ in range(500):
        if {letter.id.strip("<>").split("@")[0] for letter in post.box} == {str(one) for one in ids}:
            break
        await asyncio.sleep(0.02)
    again.kill()
    await again.wait()
    assert {letter.id.strip("<>").split("@")[0] for letter in post.box} == {str(one) for one in ids}
    await expire(database, workspace)
