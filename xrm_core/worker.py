"""The worker: wakes up by the clock, does what is due in every workspace, and tidies up."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from xrm_core.automation import arming, runner
from xrm_core.kernel.clock import Clock
from xrm_core.kernel.errors import Unavailable, XrmError
from xrm_core.kernel.ids import new_id
from xrm_core.messaging import caldav, imap, invitations, webhooks
from xrm_core.messaging.delivery import Delivery
from xrm_core.messaging.office import Office
from xrm_core.publishing import build_indexes, run_backfill
from xrm_core.records import clockwork, jobs, today
from xrm_core.records.unit import Units
from xrm_core.storage import accounts, due, files, idempotency, imports, messages_webhooks, notifications, outbox
from xrm_core.storage import jobs as job_store
from xrm_core.storage.database import Database
from xrm_core.storage.workspaces import Workspace, list_workspaces

HINTS_SECONDS = 2
AUTOMATE_SECONDS = 1
MESSAGES_SECONDS = 1
MAILBOXES_SECONDS = 5
SWEEP_SECONDS = 60
TIDY_SECONDS = 3600
_KEYS_LIVE = timedelta(hours=48)
_UPLOADS_LIVE = timedelta(hours=48)
_IMPORTED_ROWS_LIVE = timedelta(days=30)
_JOBS_LIVE = timedelta(days=30)
_EFFECTS_LIVE = timedelta(days=90)
_SEEN_LIVE = timedelta(days=2)
_NOTIFICATIONS_LIVE = timedelta(days=180)
log = logging.getLogger("xrm.worker")


class Worker:
    """Does background work for a process; any number of workers may run side by side."""

    def __init__(self, database: Database, units: Units, clock: Clock, office: Office | None = None) -> None:
        self.database = database
        self.units = units
        self.clock = clock
        self.office = office
        self.delivery = Delivery(units, office) if office is not None else None
        self._busy: set[str] = set()
        self._idle = asyncio.Event()
        self._idle.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Work until told to stop; what is under way is finished first."""
        scheduler = AsyncIOScheduler(timezone="UTC")
        for action, seconds in (
            (self.hinted, HINTS_SECONDS), (self.messages, MESSAGES_SECONDS), (self.automate, AUTOMATE_SECONDS),
            (self.mailboxes, MAILBOXES_SECONDS),
            (self.sweep, SWEEP_SECONDS),
            (self.tidy, TIDY_SECONDS),
        ):  # fmt: skip
            scheduler.add_job(
                self._guarded, "interval", args=[action], seconds=seconds, id=action.__name__,
                max_instances=1, coalesce=True, misfire_grace_time=None,
            )  # fmt: skip
        scheduler.start()
        try:
            await self._guarded(self.sweep)
            await stop.wait()
        finally:
            scheduler.shutdown(wait=False)
            await self._idle.wait()
            if self.delivery is not None:
                await self.delivery.stop()

    async def hinted(self) -> None:
        """Work in the workspaces that somebody gave a hint about."""
        async with self.database.control() as connection:
            wanted = set(await due.take(connection, self.clock.now()))
        if wanted:
            for workspace in await list_workspaces(self.database):
                if workspace.id in wanted:
                    await self.work(workspace)

    async def messages(self) -> None:
        """Send what is due, and tell guests and other systems what changed; nothing waits for their servers."""
        for workspace in await list_workspaces(self.database) if self.office is not None else ():
            for job in (self._invitations, self._webhooks, self._outbox):
                await self._one(job, workspace)

    async def automate(self) -> None:
        """Run the automations that are due; long work of other kinds does not hold them up."""
        for workspace in await list_workspaces(self.database):
            await self._one(self._automations, workspace)

    async def mailboxes(self) -> None:
        """Fetch mail and bring calendars up to date; several at once, because their servers may be slow."""
        for workspace in await list_workspaces(self.database) if self.office is not None else ():
            await asyncio.gather(*(self._one(job, workspace) for job in (self._fetch, self._fetch, self._calendars)))

    async def sweep(self) -> None:
        """Work in all workspaces: hints may get lost."""
        for workspace in await list_workspaces(self.database):
            await self.work(workspace)

    async def work(self, workspace: Workspace) -> None:
        """Do what is due in one workspace; a fault there does not stop the others."""
        for job in (self._indexes, self._backfill, self._jobs, self._clockwork, self._arm, self._automations, self._remind):
            await self._one(job, workspace)

    async def _one(self, job: Callable[[Workspace], Awaitable[None]], workspace: Workspace) -> None:
        try:
            await job(workspace)
        except Unavailable:
            raise
        except Exception:
            name = getattr(job, "__name__", "job").strip("_")
            log.exception("job failed", extra={"workspace": workspace.slug, "job": name})

    async def tidy(self) -> None:
        """Forget what has had its time: old keys, sessions, uploads that no record took."""
        now = self.clock.now()
        async with self.database.control() as connection:
            await accounts.forget_sessions(connection, now)
        for workspace in await list_workspaces(self.database):
            async with self.database.writing() as connection:
                await idempotency.forget(connection, workspace.schema, now - _KEYS_LIVE)
                await files.forget_files(connection, workspace.schema, now - _UPLOADS_LIVE)
                await imports.forget_rows(connection, workspace.schema, now - _IMPORTED_ROWS_LIVE)
                await job_store.forget(connection, workspace.schema, now - _JOBS_LIVE)
                await outbox.forget(connection, workspace.schema, now - _EFFECTS_LIVE)
                await messages_webhooks.forget_seen(connection, workspace.schema, now - _SEEN_LIVE)
                await notifications.forget(connection, workspace.schema, now - _NOTIFICATIONS_LIVE)

    async def _invitations(self, workspace: Workspace) -> None:
        if self.office is not None:
            await invitations.refresh(self.units, self.office, workspace)

    async def _webhooks(self, workspace: Workspace) -> None:
        await webhooks.tell(self.units, workspace)

    async def _fetch(self, workspace: Workspace) -> None:
        if self.office is not None:
            await imap.run_due(self.units, self.office, workspace, str(new_id()))

    async def _calendars(self, workspace: Workspace) -> None:
        if self.office is not None:
            await caldav.run_due(self.units, self.office, workspace, str(new_id()))

    async def _outbox(self, workspace: Workspace) -> None:
        if self.delivery is not None:
            await self.delivery.pump(workspace)

    async def _arm(self, workspace: Workspace) -> None:
        await arming.bring_up_to_date(self.units, workspace)

    async def _automations(self, workspace: Workspace) -> None:
        await runner.run_due(self.units, workspace)

    async def _jobs(self, workspace: Workspace) -> None:
        await jobs.run_due(self.units, workspace)

    async def _remind(self, workspace: Workspace) -> None:
        await today.remind(self.units, workspace)

    async def _clockwork(self, workspace: Workspace) -> None:
        await clockwork.run_due(self.units, workspace)

    async def _indexes(self, workspace: Workspace) -> None:
        async def announce() -> None:
            self.units.catalogs.forget(workspace)

        await build_indexes(self.database, workspace.schema, self.clock, announce=announce)

    async def _backfill(self, workspace: Workspace) -> None:
        await run_backfill(self.units, workspace)

    async def _guarded(self, action: Callable[[], Awaitable[None]]) -> None:
        name = getattr(action, "__name__", "job")
        self._busy.add(name)
        self._idle.clear()
        try:
            await action()
        except XrmError as error:
            log.warning("%s is put off: %s", name, error)
        except Exception:
            log.exception("%s failed", name)
        finally:
            self._busy.discard(name)
            if not self._busy:
                self._idle.set()
