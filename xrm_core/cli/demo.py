"""`xrm demo`: a workspace with a pack and its sample data, served by one process; started again it goes on where it was."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime, time
from pathlib import Path

import click

from xrm_core.access.passwords import make_password
from xrm_core.app import Process, assemble
from xrm_core.cli import serving
from xrm_core.cli.base import Context, command
from xrm_core.cli.progress import Progress
from xrm_core.kernel.actor import SYSTEM
from xrm_core.kernel.clock import Clock, ShiftedClock, SystemClock
from xrm_core.packs import sample, shelf
from xrm_core.packs.install import install
from xrm_core.settings import Settings
from xrm_core.storage import embedded
from xrm_core.storage.migrations.run import upgrade
from xrm_core.storage.workspaces import Workspace, create_workspace, list_workspaces

SLUG, NAME = "demo", "Demo"
PACK = "recruiting"
EMAIL = "admin@example.com"
SECRETS = "admin.json"


@dataclass(frozen=True, slots=True)
class Admin:
    """The first administrator, as printed."""

    email: str
    password: str | None
    """None: it is not known here any more."""


def register(xrm: click.Group) -> None:
    """Add the command."""

    @command(
        xrm,
        "demo",
        example="xrm demo --port 8000",
        epilog="XRM_ADMIN_EMAIL and XRM_ADMIN_PASSWORD choose the administrator.",
    )
    @click.option("--port", type=click.IntRange(0, 65535), help="By default XRM_PORT, else 8000; 0 takes any free one.")
    @click.option("--pack", default=PACK, show_default=True, help="The pack to install at the first start.")
    @click.option("--empty", is_flag=True, help="Neither pack nor sample data.")
    @click.option("--now", "day", type=click.DateTime(["%Y-%m-%d"]), help="Pretend that today is this day.")
    async def demo(context: Context, port: int | None, pack: str, empty: bool, day: datetime | None) -> None:
        """Start a workspace with sample data: database, pages, API and background work in one process, until Ctrl-C."""
        listener = serving.listen(
            context.settings.host, context.settings.port
        )  # before any work: the port may be taken
        try:
            async with context.database() as database:
                with Progress("Preparing the database", quiet=context.as_json) as progress:
                    progress.step("schema", 0)
                    await upgrade(database)
                process = assemble(context.settings, database, clock_at(day))
                workspace, admin = await prepare(process, None if empty else pack, quiet=context.as_json)

                def announce(address: str) -> None:
                    shown = {
                        "address": address,
                        "email": admin.email,
                        "password": admin.password,
                        "workspace": workspace.slug,
                    }
                    context.result(shown, _welcome(address, admin, context.settings))

                await serving.serve(process, announce, work=True, listener=listener)
        finally:
            listener.close()
        context.say("Stopped. `xrm demo` goes on where this was.")


def clock_at(day: datetime | None) -> Clock:
    """The machine's clock, or one that runs from nine in the morning of a day."""
    return SystemClock() if day is None else ShiftedClock(datetime.combine(day.date(), time(9), UTC))


async def prepare(process: Process, pack: str | None, *, quiet: bool) -> tuple[Workspace, Admin]:
    """The workspace, its administrator, the pack and its sample data: whatever of it is not there yet."""
    found = await list_workspaces(process.database)
    settings = process.settings
    workspace = next((one for one in found if one.slug == SLUG), None) or (found[0] if found else None)
    if workspace is None:
        workspace = await create_workspace(
            process.database, slug=SLUG, name=NAME, now=process.clock.now(),
            time_zone=settings.time_zone, currency=settings.currency, locale=settings.locale,
        )  # fmt: skip
    admin = await _admin(process, workspace)
    if pack is not None:
        await _fill(process, workspace, pack, quiet=quiet)
    return workspace, admin


async def _fill(process: Process, workspace: Workspace, pack: str, *, quiet: bool) -> None:
    async with process.units.begin(workspace, SYSTEM) as unit:
        installed = pack in unit.catalog.definitions.packs
    if installed and not await sample.unfinished(process.units, workspace, pack):
        return
    contents = shelf.contents(process.packs, pack)
    with Progress("Installing", quiet=quiet) as progress:
        if not installed:
            progress.step(f"the pack {pack}", 0)
            await install(process.units, workspace, SYSTEM, contents)
        await sample.load(process.units, workspace, contents, progress.step)


async def _admin(process: Process, workspace: Workspace) -> Admin:
    """The administrator, made at the first start; what was made up is kept in a file that only this user can read."""
    settings = process.settings
    place = (settings.data_dir or embedded.default_data_dir()) / SECRETS
    kept = _read(place).get(str(workspace.id), {})
    there = [member for member in await process.users.list(workspace) if "admin" in member.roles]
    if there:
        email = kept.get("email") or there[0].email
        chosen = settings.admin_password if settings.admin_email in (None, email) else None
        return Admin(email, kept.get("password") or chosen)
    email = settings.admin_email or EMAIL
    password = settings.admin_password or make_password()
    made = await process.users.create(workspace, email=email, name="Administrator", roles=["admin"], password=password)
    if made.existed:
        return Admin(made.member.email, None)
    everything = {**_read(place), str(workspace.id): {"email": made.member.email, "password": password}}
    _write(place, everything)
    return Admin(made.member.email, password)


def _read(place: Path) -> dict[str, dict[str, str]]:
    try:
        found = json.loads(place.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _write(place: Path, value: dict[str, dict[str, str]]) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(value, file, indent=2)


def _welcome(address: str, admin: Admin, settings: Settings) -> str:
    password = admin.password or "(chosen earlier)"
    lines = [
        "",
        f"  Address   {address}",
        f"  User      {admin.email}",
        f"  Password  {password}",
        "",
        "Ctrl-C ends it.",
        "",
    ]
    if settings.unknown:
        lines.insert(0, f"Unknown settings are ignored: {', '.join(settings.unknown)}")
    return "\n".join(lines)
