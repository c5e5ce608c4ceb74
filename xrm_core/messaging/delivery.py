"""Working through the outbox: many at once, few per destination, so that a server that hangs stops nothing else.

A mail is handed over in three steps: its row is marked as begun (and that is committed), its content goes to the server,
the row is marked as done. A process that dies before the first step has sent nothing, and another sends the mail. One
that dies between the first and the third leaves a mail of which nobody knows whether it arrived: it is not sent again by
itself but listed as uncertain, and whoever tries it again sends it under the same Message-ID. The gap is as long as the
server takes to answer the end of the mail.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from xrm_core.kernel.ids import new_id
from xrm_core.messaging import invitations, sending, webhooks
from xrm_core.messaging.effects import Failed, Later, Never, Unclear, delay
from xrm_core.messaging.office import Office
from xrm_core.records.unit import Units
from xrm_core.storage import messages, outbox
from xrm_core.storage.outbox import UNCERTAIN, Effect
from xrm_core.storage.workspaces import Workspace

CLAIM = timedelta(minutes=3)
LONGEST_SECONDS = 150
MOST = 24
PER_DESTINATION = 4
REST = timedelta(minutes=1)
"""How long a destination is left alone after it did not answer."""
ONCE_ONLY = ("mail",)
"""Kinds that are not repeated by themselves when it is unclear whether they happened."""
log = logging.getLogger("xrm.outbox")
Runner = Callable[[Units, Office, Workspace, Effect, Callable[[], Awaitable[bool]]], Awaitable[dict[str, Any]]]
RUNNERS: dict[str, Runner] = {"mail": sending.deliver, "webhook": webhooks.deliver, "invitation": invitations.deliver}


class Delivery:
    """The outbox of all workspaces, as one process works on it."""

    def __init__(self, units: Units, office: Office) -> None:
        self.units = units
        self.office = office
        self.me = str(new_id())
        self._tasks: set[asyncio.Task[None]] = set()
        self._busy: Counter[str] = Counter()
        self._resting: dict[str, datetime] = {}
        self._refilling: set[UUID] = set()
        self._stopping = False

    async def pump(self, workspace: Workspace) -> int:
        """Begin with what is due, as far as there is room; how many were begun. Nothing is waited for."""
        now = self.units.clock.now()
        self._resting = {name: until for name, until in self._resting.items() if until > now}
        await self._bury(workspace, now)
        begun = 0
        while (room := MOST - len(self._tasks)) > 0:
            full = {name for name, count in self._busy.items() if count >= PER_DESTINATION} | set(self._resting)
            async with self.units.database.writing() as connection:
                found = await outbox.claim(
                    connection, workspace.schema, self.me, now, now + CLAIM, most=min(room, 8), without=full
                )
            if not found:
                return begun
            for effect in found:
                begun += await self._begin(workspace, effect)
        return begun

    async def settle(self) -> None:
        """Wait until everything that was begun has ended."""
        while self._tasks:
            await asyncio.wait(set(self._tasks))

    async def stop(self, seconds: float = 20.0) -> None:
        """Let what was begun end, for a while; then give it back."""
        self._stopping = True
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=seconds)
        for task in set(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _begin(self, workspace: Workspace, effect: Effect) -> int:
        place = effect.destination
        if not place and effect.kind in ("mail", "webhook"):
            finder = sending.destination if effect.kind == "mail" else webhooks.destination
            place = await finder(self.units, self.office, workspace, effect)
        if self._busy[place] >= PER_DESTINATION or place in self._resting:
            async with self.units.database.writing() as connection:
                # It now has the name of its server, by which it is left out until there is a place.
                at = self._resting.get(place) or self.units.clock.now()
                await outbox.put_off(
                    connection, workspace.schema, effect.id, self.me, at, "its server is busy", counts=False,
                    destination=place,
                )  # fmt: skip
            return 0
        self._busy[place] += 1
        task = asyncio.create_task(self._work(workspace, effect, place))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return 1

    async def _work(self, workspace: Workspace, effect: Effect, place: str) -> None:
        begun = False

        async def begin() -> bool:
            nonlocal begun
            now = self.units.clock.now()
            async with self.units.database.writing() as connection:
                begun = await outbox.hand_over(connection, workspace.schema, effect.id, self.me, now)
            return begun

        try:
            runner = RUNNERS.get(effect.kind)
            if runner is None:
                raise Never(f"nobody knows how to do {effect.kind!r}")
            async with asyncio.timeout(LONGEST_SECONDS):
                result = await runner(self.units, self.office, workspace, effect, begin)
            async with self.units.database.writing() as connection:
                await outbox.finish(connection, workspace.schema, effect.id, self.me, self.units.clock.now(), result)
        except Failed as failed:
            await self._failed(workspace, effect, place, failed)
        except asyncio.CancelledError:
            if not begun:
                await self._failed(workspace, effect, "", Later("the process was stopped"))
            raise
        except Exception as error:
            log.exception("an effect failed", extra={"workspace": workspace.slug, "effect": str(effect.id)})
            what = f"{type(error).__name__}: {error}"[:300]
            await self._failed(workspace, effect, place, Unclear(what) if begun else Later(what))
        finally:
            self._busy[place] -= 1
            if self._busy[place] <= 0:
                del self._busy[place]
        await self._refill(workspace)

    async def _refill(self, workspace: Workspace) -> None:
        """A place became free: go on at once rather than when the clock says so."""
        if self._stopping or workspace.id in self._refilling:
            return
        self._refilling.add(workspace.id)
        try:
            await self.pump(workspace)
        except Exception as error:
            log.warning("going on failed, it is tried again soon: %s", error, extra={"workspace": workspace.slug})
        finally:
            self._refilling.discard(workspace.id)

    async def _failed(self, workspace: Workspace, effect: Effect, place: str, failed: Failed) -> None:
        now, text = self.units.clock.now(), str(failed)
        log.warning("an effect did not happen: %s", text, extra={"workspace": workspace.slug, "effect": str(effect.id)})
        if place and isinstance(failed, Later) and isinstance(failed.__cause__, OSError | TimeoutError):
            self._resting[place] = now + REST
        wait = delay(effect.attempts) if isinstance(failed, Later) else None
        async with self.units.database.writing() as connection:
            if wait is not None:
                await outbox.put_off(
                    connection, workspace.schema, effect.id, self.me, now + wait, text, destination=place
                )
                return
            error = f"{UNCERTAIN}: {text}" if isinstance(failed, Unclear) else text
            await outbox.bury(connection, workspace.schema, effect.id, self.me, now, error)
            message = await messages.by_outbox(connection, workspace.schema, effect.id)
            if message is not None and message.state == "queued":
                await messages.set_state(connection, workspace.schema, message.id, "failed", problem=text)

    async def _bury(self, workspace: Workspace, now: datetime) -> None:
        async with self.units.database.writing() as connection:
            for effect in await outbox.bury_uncertain(connection, workspace.schema, now, ONCE_ONLY):
                message = await messages.by_outbox(connection, workspace.schema, effect.id)
                if message is not None:
                    await messages.set_state(
                        connection, workspace.schema, message.id, "uncertain",
                        problem="the process ended while the mail was handed over",
                    )  # fmt: skip


async def run_due(delivery: Delivery, workspace: Workspace) -> None:
    """Everything that is due now, to its end; for tests and commands."""
    while await delivery.pump(workspace):
        await delivery.settle()
