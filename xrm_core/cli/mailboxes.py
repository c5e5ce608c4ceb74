"""`xrm mailbox`: accounts for sending and receiving of the whole workspace."""

from __future__ import annotations

import sys
from uuid import UUID

import click

from xrm_core.cli.base import Context, chosen_workspace, command, table, workspace_option
from xrm_core.kernel.actor import SYSTEM
from xrm_core.kernel.errors import Invalid, NotFound
from xrm_core.kernel.ids import new_id
from xrm_core.kernel.problem import Problem
from xrm_core.messaging import imap
from xrm_core.messaging.addresses import normal
from xrm_core.messaging.office import read_server
from xrm_core.storage import mailboxes as store
from xrm_core.storage.mailboxes import Mailbox


def register(xrm: click.Group) -> None:
    """Add the commands."""

    @xrm.group(epilog="\b\nExample:\n  xrm mailbox list")
    def mailbox() -> None:
        """Accounts for sending and receiving mail."""

    @command(mailbox, "list", example="xrm mailbox list")
    @workspace_option
    async def list_(context: Context, slug: str | None) -> None:
        """Show the accounts of a workspace, without their passwords."""
        async with context.process() as process:
            workspace = await chosen_workspace(process, slug)
            async with process.database.writing() as connection:
                found = await store.listed(connection, workspace.schema)
        shown = [
            {
                "id": str(box.id), "kind": box.kind, "address": box.address, "name": box.name,
                "member": str(box.member) if box.member else None, "enabled": box.enabled, "error": box.error,
            }
            for box in found
        ]  # fmt: skip
        rows = [(str(box.id), box.kind, box.address, "" if box.enabled else "off", box.error or "") for box in found]
        context.result(shown, table(rows, ("id", "kind", "address", "", "error")))

    @command(
        mailbox, "add",
        example="xrm mailbox add smtp --address office@example.com --host mail.example.com --user office --password-stdin",
    )  # fmt: skip
    @click.argument("kind", type=click.Choice(["smtp", "imap"]))
    @workspace_option
    @click.option("--address", required=True, help="Mail address of the account.")
    @click.option("--host", required=True, help="Name of the server.")
    @click.option("--port", type=int, help="By default the usual one.")
    @click.option("--security", type=click.Choice(["tls", "starttls", "none"]), default="tls", show_default=True)
    @click.option("--user", default="", help="Name to sign in with.")
    @click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
    @click.option("--bcc", is_flag=True, help="Mails that our own people send here in copy are filed.")
    async def add(
        context: Context, kind: str, slug: str | None, address: str, host: str, port: int | None, security: str,
        user: str, password_stdin: bool, bcc: bool,
    ) -> None:  # fmt: skip
        """Add an account of the whole workspace: smtp for sending, imap for receiving."""
        settings: dict[str, object] = {"host": host, "security": security}
        settings |= {key: value for key, value in (("port", port), ("user", user), ("bcc", bcc or None)) if value}
        known = normal(address)
        problems = read_server(kind, settings)
        if known is None:
            problems.append(Problem("address", "/address", "This is no mail address."))
        if problems or known is None:
            raise Invalid(problems)
        password = sys.stdin.readline().rstrip("\r\n") if password_stdin else ""
        async with context.process() as process:
            workspace = await chosen_workspace(process, slug)
            now, office = process.clock.now(), process.services.office
            secret = office.lock(password) if password else None
            box = Mailbox(new_id(), kind, None, address, known, settings, secret, {}, True, None, None, now, now)
            async with process.database.writing() as connection:
                await store.put(connection, workspace.schema, box, now if kind == "imap" else None)
        context.result({"id": str(box.id), "kind": kind, "address": known}, f"Added {box.id}.")

    @command(mailbox, "check", example="xrm mailbox check")
    @workspace_option
    async def check(context: Context, slug: str | None) -> None:
        """Fetch new mail at once."""
        async with context.process() as process:
            workspace = await chosen_workspace(process, slug)
            async with process.database.writing() as connection:
                for box in await store.listed(connection, workspace.schema, kinds=("imap",)):
                    await store.due_now(connection, workspace.schema, box.id, process.clock.now())
            count = await imap.run_due(process.units, process.services.office, workspace, str(new_id()))
            async with process.database.writing() as connection:
                boxes = await store.listed(connection, workspace.schema, kinds=("imap",))
        errors = {box.address: box.error for box in boxes if box.error}
        text = f"{count} mails came." + "".join(f"\n{address}: {error}" for address, error in errors.items())
        context.result({"mails": count, "errors": errors}, text)

    @command(mailbox, "remove", example="xrm mailbox remove 0190f3e4-0000-7000-8000-000000000000")
    @click.argument("identity", type=click.UUID)
    @workspace_option
    async def remove(context: Context, identity: UUID, slug: str | None) -> None:
        """Forget an account with its password; its messages stay."""
        async with context.process() as process:
            workspace = await chosen_workspace(process, slug)
            async with process.units.begin(workspace, SYSTEM) as unit:
                if not await store.delete(await unit.transaction(), unit.schema, identity):
                    raise NotFound(
                        Problem("not_found", "", "There is no such account.", "`xrm mailbox list` shows them.")
                    )
        context.result({"id": str(identity)}, "Removed.")
