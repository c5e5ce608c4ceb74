"""Tells open pages what is new: one reader per workspace and process, however many pages listen."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from xrm_core.kernel.clock import Clock
from xrm_core.kernel.errors import Unavailable
from xrm_core.kernel.ids import new_id
from xrm_core.kernel.problem import Problem
from xrm_core.storage import stream as store
from xrm_core.storage.database import Database
from xrm_core.storage.jobs import OPEN
from xrm_core.storage.workspaces import Workspace

SECONDS = 2.0
MOST_PER_MEMBER = 20
MOST = 2_000
WAITING = 100
_OVERLAP = 6
"""Polls that look back: a transaction may end some seconds after its ids were made."""
log = logging.getLogger("xrm.stream")
News = tuple[str, dict[str, Any]]
"""(kind, data)."""


@dataclass(eq=False)
class Listener:
    """One open page."""

    member: UUID
    news: asyncio.Queue[News] = field(default_factory=lambda: asyncio.Queue(WAITING))

    def tell(self, kind: str, data: dict[str, Any]) -> None:
        """Put something into the queue; a page that does not read loses what is oldest."""
        if self.news.full():
            with contextlib.suppress(asyncio.QueueEmpty):
                self.news.get_nowait()
        self.news.put_nowait((kind, data))


@dataclass
class _Channel:
    workspace: Workspace
    listeners: set[Listener] = field(default_factory=set)
    nudged: asyncio.Event = field(default_factory=asyncio.Event)
    reader: asyncio.Task[None] | None = None
    marks: deque[UUID] = field(default_factory=lambda: deque(maxlen=_OVERLAP))
    seen: dict[UUID, None] = field(default_factory=dict)
    jobs: dict[UUID, tuple[str, int]] = field(default_factory=dict)


class Hub:
    """All open pages of a process."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self.database = database
        self.clock = clock
        self._channels: dict[UUID, _Channel] = {}

    def join(self, workspace: Workspace, member: UUID) -> Listener:
        """A page begins to listen; raises Unavailable when there are too many."""
        channel = self._channels.setdefault(workspace.id, _Channel(workspace))
        mine = sum(1 for one in channel.listeners if one.member == member)
        if mine >= MOST_PER_MEMBER or sum(len(one.listeners) for one in self._channels.values()) >= MOST:
            raise Unavailable(Problem("too_many", "", "Too many pages listen already.", "Ask again every 20 seconds."))
        listener = Listener(member)
        channel.listeners.add(listener)
        if channel.reader is None or channel.reader.done():
            channel.marks.append(new_id())
            channel.reader = asyncio.create_task(self._read(channel))
        return listener

    def leave(self, workspace: Workspace, listener: Listener) -> None:
        """A page is gone; with the last one the reading ends."""
        channel = self._channels.get(workspace.id)
        if channel is None:
            return
        channel.listeners.discard(listener)
        if not channel.listeners:
            if channel.reader is not None:
                channel.reader.cancel()
            del self._channels[workspace.id]

    def nudge(self, workspace_id: UUID) -> None:
        """Something was written here: look at once."""
        channel = self._channels.get(workspace_id)
        if channel is not None:
            channel.nudged.set()

    async def _read(self, channel: _Channel) -> None:
        since = self.clock.now()
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(channel.nudged.wait(), SECONDS)
            channel.nudged.clear()
            now = self.clock.now()
            try:
                await self._poll(channel, since, now)
            except asyncio.CancelledError:
                raise
            except Exception:
                log.exception("reading what is new failed", extra={"workspace": channel.workspace.slug})
                await asyncio.sleep(SECONDS)
                continue
            since = now

    async def _poll(self, channel: _Channel, since: Any, now: Any) -> None:
        after = channel.marks[0]
        mark = new_id()
        members = list({one.member for one in channel.listeners})
        schema = channel.workspace.schema
        async with self.database.writing() as connection:
            written = await store.written(connection, schema, after)
            news = await store.woken(connection, schema, members, after, since, now)
            jobs = await store.jobs(connection, schema, members, after, list(channel.jobs))
        channel.marks.append(mark)
        rows = [one for one in written if one[0] not in channel.seen]
        fresh = [one for one in news if one[0] not in channel.seen or one[0] < after]
        channel.seen.update(dict.fromkeys(one[0] for one in rows))
        channel.seen.update(dict.fromkeys(one[0] for one in fresh))
        while len(channel.seen) > 3 * store.MOST:
            channel.seen.pop(next(iter(channel.seen)))
        for listener in channel.listeners:
            self._tell_rows(listener, rows)
            for identifier, member, kind, title, body in fresh:
                if member == listener.member:
                    listener.tell("notification", {"id": str(identifier), "kind": kind, "title": title, "body": body})
            for identifier, member, state, done, total in jobs:
                if member == listener.member and channel.jobs.get(identifier) != (state, done):
                    listener.tell("job", {"id": str(identifier), "state": state, "done": done, "total": total})
        # What has ended is known for one more round only if it is new; the pages have heard of its end.
        ended = {one for one, (state, _) in channel.jobs.items() if state not in OPEN}
        channel.jobs = {one: (state, done) for one, _, state, done, _ in jobs if one not in ended or one > after}

    def _tell_rows(self, listener: Listener, rows: list[tuple[UUID, str, UUID, str | None]]) -> None:
        """How many records of each module others have written; which ones is for the page to ask, with its rights."""
        changed: dict[str, set[UUID]] = {}
        for _, module_id, record_id, actor in rows:
            if actor != str(listener.member):
                changed.setdefault(module_id, set()).add(record_id)
        if changed:
            listener.tell("rows", {module_id: len(records) for module_id, records in changed.items()})
