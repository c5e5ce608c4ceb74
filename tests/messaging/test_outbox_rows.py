"""The rows of the outbox: one effect per key, one worker per effect, and nothing twice."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from tests.conftest import NOW
from xrm_core.storage import outbox
from xrm_core.storage.database import Database
from xrm_core.storage.workspaces import Workspace

MINUTE = timedelta(minutes=1)


async def _put(database: Database, workspace: Workspace, key: str, **more: Any) -> Any:
    async with database.transaction() as connection:
        return await outbox.put(connection, workspace.schema, "mail", key, {"key": key}, now=NOW, **more)


async def _claim(database: Database, workspace: Workspace, by: str, now: Any = NOW, **more: Any) -> list[str]:
    async with database.writing() as connection:
        found = await outbox.claim(connection, workspace.schema, by, now, now + MINUTE, **{"most": 10, **more})
    return [one.key for one in found]


async def test_a_key_is_used_once(database: Database, workspace: Workspace) -> None:
    assert await _put(database, workspace, "a") is not None
    assert await _put(database, workspace, "a") is None
    assert await _claim(database, workspace, "w") == ["a"]


async def test_what_is_undone_is_not_sent(database: Database, workspace: Workspace) -> None:
    with pytest.raises(RuntimeError):
        async with database.transaction() as connection:
            await outbox.put(connection, workspace.schema, "mail", "a", {}, now=NOW)
            raise RuntimeError
    assert await _claim(database, workspace, "w") == []


async def test_not_before_its_time_and_not_where_it_is_full(database: Database, workspace: Workspace) -> None:
    await _put(database, workspace, "later", not_before=NOW + MINUTE)
    await _put(database, workspace, "slow", destination="stuck.example")
    await _put(database, workspace, "quick", destination="other.example")
    assert await _claim(database, workspace, "w", without=["stuck.example"]) == ["quick"]
    assert await _claim(database, workspace, "w") == ["slow"]
    assert await _claim(database, workspace, "w", NOW + MINUTE / 2) == []
    assert await _claim(database, workspace, "w", NOW + MINUTE) == ["later"]


async def test_two_workers_never_get_the_same(database: Database, workspace: Workspace) -> None:
    for number in range(40):
        await _put(database, workspace, str(number))

    async def work(by: str) -> list[str]:
        mine: list[str] = []
        while got := await _claim(database, workspace, by, most=3):
            mine += got
        return mine

    done = await asyncio.gather(*(work(f"w{number}") for number in range(3)))
    assert sorted(sum(done, [])) == sorted(str(number) for number in range(40))


async def test_a_dead_worker_gives_back_what_it_had_not_begun(database: Database, workspace: Workspace) -> None:
    await _put(database, workspace, "begun")
    await _put(database, workspace, "claimed")
    async with database.writing() as connection:
        schema = workspace.schema
        first, second = await outbox.claim(connection, schema, "dead", NOW, NOW + MINUTE, most=5)
        assert await outbox.hand_over(connection, schema, first.id, "dead", NOW)
        later = NOW + 2 * MINUTE
        assert [one.key for one in await outbox.bury_uncertain(connection, schema, later, ["mail"])] == ["begun"]
        assert await _claim(database, workspace, "alive", later) == ["claimed"]
        assert not await outbox.hand_over(connection, schema, second.id, "dead", later)
        assert not await outbox.finish(connection, schema, second.id, "dead", later, {})
        buried = await outbox.listed(connection, schema, "failed", before=None, limit=5)
        assert [(one.key, one.error) for one in buried] == [("begun", outbox.UNCERTAIN)]
        assert await outbox.retry(connection, schema, first.id, later)
    assert await _claim(database, workspace, "alive", later) == ["begun"]


async def test_put_off_buried_tried_again(database: Database, workspace: Workspace) -> None:
    schema = workspace.schema
    identity = await _put(database, workspace, "a")
    async with database.writing() as connection:
        await outbox.claim(connection, schema, "w", NOW, NOW + MINUTE, most=1)
        assert await outbox.put_off(connection, schema, identity, "w", NOW + MINUTE, "busy")
        assert await outbox.claim(connection, schema, "w", NOW, NOW + MINUTE, most=1) == []
        (again,) = await outbox.claim(connection, schema, "w", NOW + MINUTE, NOW + 2 * MINUTE, most=1)
        assert (again.attempts, again.error, again.state) == (2, "busy", "sending")
        assert await outbox.bury(connection, schema, identity, "w", NOW, "no such address")
        assert await outbox.retry(connection, schema, identity, NOW)
        (again,) = await outbox.claim(connection, schema, "w", NOW, NOW + MINUTE, most=1)
        assert again.attempts == 1
        assert await outbox.finish(connection, schema, identity, "w", NOW, {"response": "250 OK"})
        assert not await outbox.retry(connection, schema, identity, NOW)
        found = await outbox.by_key(connection, schema, "a")
        assert found is not None and found.state == "done" and found.result == {"response": "250 OK"}
        assert await outbox.put(connection, schema, "mail", "a", {}, now=NOW) is None


async def test_taking_back(database: Database, workspace: Workspace) -> None:
    schema = workspace.schema
    await _put(database, workspace, "a")
    async with database.writing() as connection:
        assert await outbox.cancel(connection, schema, "a")
        assert not await outbox.cancel(connection, schema, "a")
    assert await _put(database, workspace, "a") is None
    assert await _claim(database, workspace, "w") == []
