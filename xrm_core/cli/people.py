"""`xrm user` and `xrm token`."""

from __future__ import annotations

import sys

import click

from xrm_core.access.passwords import make_password
from xrm_core.access.users import role_names
from xrm_core.app import Process
from xrm_core.cli.base import Context, chosen_workspace, command, table, workspace_option
from xrm_core.kernel.actor import SYSTEM
from xrm_core.storage.workspaces import Workspace


def register(xrm: click.Group) -> None:
    """Add the commands."""

    @xrm.group(epilog="\b\nExample:\n  xrm user create --email ada@example.com --role admin")
    def user() -> None:
        """People who can sign in."""

    @command(user, "create", example="xrm user create --email ada@example.com --role admin")
    @workspace_option
    @click.option("--email", required=True, help="Address to sign in with.")
    @click.option("--name", help="By default what stands before the @.")
    @click.option(
        "--role", "roles", multiple=True, default=("member",), show_default=True, help="May be given several times."
    )
    @click.option(
        "--password-stdin", is_flag=True, help="Read the password from standard input; else one is made up and printed."
    )
    async def create(
        context: Context, slug: str | None, email: str, name: str | None, roles: tuple[str, ...], password_stdin: bool
    ) -> None:
        """Let a person into a workspace."""
        password = sys.stdin.readline().rstrip("\r\n") if password_stdin else None
        async with context.process() as process:
            workspace = await chosen_workspace(process, slug)
            known = await _roles(process, workspace)
            made = await process.users.create(
                workspace,
                email=email,
                name=name,
                roles=list(dict.fromkeys(roles)),
                password=password,
                known_roles=known,
            )
        shown = {
            "id": str(made.member.id),
            "email": made.member.email,
            "roles": list(made.member.roles),
            "password": made.password,
        }
        text = f"{made.member.email} is a user of {workspace.name} now."
        if made.password:
            text += f"\nPassword: {made.password}"
        elif made.existed:
            text += "\nThe account existed already and keeps its password."
        context.result(shown, text)

    @command(user, "list", example="xrm user list")
    @workspace_option
    async def list_(context: Context, slug: str | None) -> None:
        """Show the users of a workspace."""
        async with context.process() as process:
            found = await process.users.list(await chosen_workspace(process, slug))
        rows = [(one.email, one.name, ", ".join(one.roles), "disabled" if one.disabled_at else "") for one in found]
        shown = [
            {
                "id": str(one.id),
                "email": one.email,
                "name": one.name,
                "roles": list(one.roles),
                "disabled": one.disabled_at is not None,
            }
            for one in found
        ]
        context.result(shown, table(rows, ("email", "name", "roles", "")))

    @command(user, "password", example="xrm user password --email ada@example.com --password-stdin < file")
    @workspace_option
    @click.option("--email", required=True)
    @click.option(
        "--password-stdin", is_flag=True, help="Read the password from standard input; else one is made up and printed."
    )
    async def password(context: Context, slug: str | None, email: str, password_stdin: bool) -> None:
        """Set a new password; all sessions of the person end."""
        given = sys.stdin.readline().rstrip("\r\n") if password_stdin else make_password()
        async with context.process() as process:
            found = await process.users.by_email(await chosen_workspace(process, slug), email)
            await process.users.set_password(found.id, given)
        told = None if password_stdin else given
        context.result({"email": found.email, "password": told}, "Done." if told is None else f"Password: {told}")

    @xrm.group(epilog="\b\nExample:\n  xrm token create --user ada@example.com --name export")
    def token() -> None:
        """API tokens."""

    @command(token, "create", example="xrm token create --user ada@example.com --name export")
    @workspace_option
    @click.option("--user", "email", required=True, help="E-mail address of the user whose rights the token has.")
    @click.option("--name", required=True, help="What it is for.")
    async def create_token(context: Context, slug: str | None, email: str, name: str) -> None:
        """Make a token. It is printed once, alone on standard output."""
        async with context.process() as process:
            workspace = await chosen_workspace(process, slug)
            owner = await process.users.by_email(workspace, email)
            made, secret = await process.tokens.create(workspace, owner.id, name)
        context.result({"id": str(made.id), "name": made.name, "token": secret}, secret)


async def _roles(process: Process, workspace: Workspace) -> set[str]:
    async with process.units.begin(workspace, SYSTEM) as unit:
        return role_names(unit.catalog.definitions)
