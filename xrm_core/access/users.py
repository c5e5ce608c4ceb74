"""Users: an account to sign in with, and a member with roles in each workspace."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any
from uuid import UUID

from email_validator import EmailNotValidError, validate_email

from xrm_core.access.callers import Doorkeeper
from xrm_core.access.passwords import Passwords, check_password, make_password
from xrm_core.access.policy import BUILT_IN
from xrm_core.definitions import DefinitionSet
from xrm_core.kernel.errors import Conflict, Invalid, NotFound, Unauthenticated
from xrm_core.kernel.ids import new_id
from xrm_core.kernel.problem import Problem, pointer
from xrm_core.storage import accounts, members
from xrm_core.storage.members import Member
from xrm_core.storage.workspaces import Workspace

ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class NewUser:
    """A user just made; `password` is set when it was made up and must be handed over."""

    member: Member
    password: str | None
    existed: bool
    """The person had an account already and keeps its password."""


class Users:
    """Makes and changes users; who may do so is the caller's to ask the policy."""

    def __init__(self, doorkeeper: Doorkeeper, passwords: Passwords) -> None:
        self.doorkeeper = doorkeeper
        self.database = doorkeeper.database
        self.passwords = passwords

    async def create(
        self,
        workspace: Workspace,
        *,
        email: str,
        name: str | None = None,
        roles: Sequence[str] = ("member",),
        password: str | None = None,
        known_roles: Collection[str] | None = None,
    ) -> NewUser:
        """Let a person into a workspace: a new account, or the one that has this address; without a password one is made up."""
        problems = check_roles(roles, known_roles)
        try:
            email = normal_email(email)
        except Invalid as error:
            problems += error.problems
        name = (name or "").strip() or email.partition("@")[0]
        problems += check_name(name)
        if password is not None:
            problems += check_password(password, email=email)
        if problems:
            raise Invalid(problems)
        made_up = None
        async with self.database.control() as connection:
            account = await accounts.account_by_email(connection, email)
        now = self.doorkeeper.clock.now()
        if account is None:
            made_up = make_password() if password is None else None
            account_id, hashed = new_id(), await self.passwords.hash(password or made_up or "")
        else:
            account_id, hashed = account.id, None
            async with self.database.writing() as connection:
                if await members.member(connection, workspace.schema, account_id) is not None:
                    raise Conflict(Problem("taken", "/email", f"{email} is a user of this workspace already."))
        async with self.database.control_transaction() as connection:
            if account is None and not await accounts.add_account(connection, account_id, email, name, hashed, now):
                raise Conflict(
                    Problem("taken", "/email", f"{email} has just been added by somebody else.", "Try again.")
                )
            await accounts.join(connection, account_id, workspace.id, now)
        async with self.database.writing() as connection:
            await members.put_member(
                connection, workspace.schema, account_id, name=name, email=email, roles=roles, teams=(), now=now
            )
            member = await members.member(connection, workspace.schema, account_id)
        assert member is not None
        return NewUser(member, made_up, account is not None)

    async def list(self, workspace: Workspace) -> list[Member]:
        """All users of a workspace."""
        async with self.database.writing() as connection:
            return await members.members(connection, workspace.schema)

    async def get(self, workspace: Workspace, user_id: UUID) -> Member:
        """One user; raises NotFound."""
        async with self.database.writing() as connection:
            found = await members.member(connection, workspace.schema, user_id)
        if found is None:
            raise NotFound(Problem("not_found", "", "There is no such user."))
        return found

    async def by_email(self, workspace: Workspace, email: str) -> Member:
        """The user with this address; raises NotFound."""
        wanted = normal_email(email)
        for member in await self.list(workspace):
            if member.email == wanted:
                return member
        raise NotFound(Problem("not_found", "/email", f"There is no user {email}.", "`xrm user list` shows them."))

    async def update(
        self,
        workspace: Workspace,
        user_id: UUID,
        *,
        name: str | None = None,
        roles: Sequence[str] | None = None,
        teams: Sequence[UUID] | None = None,
        disabled: bool | None = None,
        known_roles: Collection[str] | None = None,
    ) -> Member:
        """Change a user; the last administrator stays one."""
        problems = check_roles(roles, known_roles) if roles is not None else []
        if name is not None:
            problems += check_name(name.strip())
        if teams is not None:
            async with self.database.writing() as connection:
                known = {team.id for team in await members.teams(connection, workspace.schema)}
            problems += [
                Problem("unknown_team", pointer("teams", index), "There is no such team.")
                for index, team in enumerate(teams)
                if team not in known
            ]
        if problems:
            raise Invalid(problems)
        now = self.doorkeeper.clock.now()
        async with self.database.transaction() as connection:
            everybody = await members.members_for_change(connection, workspace.schema)
            before = next((member for member in everybody if member.id == user_id), None)
            if before is None:
                raise NotFound(Problem("not_found", "", "There is no such user."))
            new_roles = before.roles if roles is None else tuple(roles)
            off = disabled if disabled is not None else before.disabled_at is not None
            if (ADMIN not in new_roles or off) and not any(
                ADMIN in member.roles and member.disabled_at is None for member in everybody if member.id != user_id
            ):
                raise Conflict(
                    Problem(
                        "last_admin",
                        "/roles",
                        "This is the last administrator.",
                        "Make somebody else administrator first.",
                    )
                )
            await members.put_member(
                connection, workspace.schema, user_id,
                name=before.name if name is None else name.strip(), email=before.email, roles=new_roles,
                teams=before.teams if teams is None else teams, now=now,
            )  # fmt: skip
            if off != (before.disabled_at is not None):
                await members.set_disabled(connection, workspace.schema, user_id, now if off else None)
            after = await members.member(connection, workspace.schema, user_id)
        self.doorkeeper.forget(user_id)
        assert after is not None
        return after

    async def set_password(self, account_id: UUID, password: str, *, but: bytes | None = None) -> None:
        """A new password; all sessions of the account end, except `but`."""
        problems = check_password(password)
        if problems:
            raise Invalid(problems)
        hashed = await self.passwords.hash(password)
        async with self.database.control_transaction() as connection:
            await accounts.set_password(connection, account_id, hashed, self.doorkeeper.clock.now())
            await accounts.end_sessions(connection, account_id, but=but)
        self.doorkeeper.forget(account_id)

    async def change_password(self, account_id: UUID, old: str, new: str, *, but: bytes | None = None) -> None:
        """A new password for somebody who knows the old one."""
        async with self.database.control() as connection:
            account = await accounts.account_by_id(connection, account_id)
        if account is None or not await self.passwords.verify(account.password_hash, old):
            raise Unauthenticated(Problem("credentials", "/old_password", "The present password is not right."))
        await self.set_password(account_id, new, but=but)

    async def prefer(
        self,
        account_id: UUID,
        *,
        name: str | None = None,
        locale: str | None = None,
        theme: str | None = None,
        settings: dict[str, Any] | None = None,
    ) -> None:
        """Change what a person chose for themselves; what is None stays."""
        if name is not None and (problems := check_name(name.strip())):
            raise Invalid(problems)
        async with self.database.control_transaction() as connection:
            account = await accounts.account_by_id(connection, account_id)
            if account is None:
                raise NotFound(Problem("not_found", "", "There is no such account."))
            await accounts.set_preferences(
                connection, account_id, name=account.name if name is None else name.strip(), locale=locale or account.locale,
                theme=theme or account.theme, settings={**account.settings, **(settings or {})}, now=self.doorkeeper.clock.now(),
            )  # fmt: skip
        self.doorkeeper.forget(account_id)


def normal_email(email: str) -> str:
    """The address as accounts are found by it; raises Invalid."""
    try:
        found = validate_email(email.strip(), check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        raise Invalid(Problem("email", "/email", f"This is no e-mail address: {error}")) from None
    return unicodedata.normalize("NFC", found.normalized).casefold()


def check_name(name: str) -> list[Problem]:
    """What is wrong with a person's name."""
    if not 1 <= len(name) <= 200:
        return [Problem("name", "/name", "A name has 1 to 200 characters.")]
    if not name.isprintable():
        return [Problem("name", "/name", "A name has no control characters.")]
    return []


def check_roles(roles: Iterable[str], known: Collection[str] | None) -> list[Problem]:
    """What is wrong with a list of role names; `known` None: only the built-in ones exist."""
    known = known if known is not None else {role.name for role in BUILT_IN}
    given = list(roles)
    problems = []
    for index, role in enumerate(given):
        if role not in known:
            near = get_close_matches(role, known, 1)
            hint = f"Did you mean {near[0]!r}?" if near else f"Known: {', '.join(sorted(known))}."
            problems.append(Problem("unknown_role", pointer("roles", index), f"There is no role {role!r}.", hint))
    return problems or ([] if given else [Problem("required", "/roles", "A user has at least one role.")])


def role_names(definitions: DefinitionSet) -> set[str]:
    """All roles that a user of the workspace may have."""
    return {role.name for role in BUILT_IN} | {role.name for role in definitions.roles if not role.archived}
