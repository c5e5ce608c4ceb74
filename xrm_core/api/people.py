"""Signing in, users, teams, roles and tokens."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from litestar import Response, delete, get, patch, post

from xrm_core.access.callers import Caller
from xrm_core.access.policy import BUILT_IN
from xrm_core.access.sessions import cookie_header, no_cookie_header
from xrm_core.access.users import role_names
from xrm_core.api.answers import Answer, as_json, change_outside
from xrm_core.api.body import Values, json_object
from xrm_core.api.query import Parameters, read_instant, record_id
from xrm_core.api.services import Req, caller_of, services_of
from xrm_core.kernel.errors import Conflict, Forbidden, Invalid, Malformed, NotFound
from xrm_core.kernel.ids import new_id
from xrm_core.kernel.problem import Problem
from xrm_core.storage import accounts, members
from xrm_core.storage.accounts import Token
from xrm_core.storage.members import Member, Team


@post("/session", status_code=200)
async def sign_in(request: Req) -> Response[bytes]:
    """Sign in with e-mail address and password; the answer sets the session's cookie and tells its CSRF token."""
    body = Values(await json_object(request), {"email": str, "password": str, "workspace": str}, ("email", "password"))
    client = request.scope.get("client")
    secret, caller = await services_of(request).sessions.sign_in(
        body["email"],
        body["password"],
        address=client[0] if client else "",
        agent=request.headers.get("user-agent", ""),
        workspace=body.get("workspace"),
    )
    answer = as_json(_me(caller))
    answer.headers["Set-Cookie"] = cookie_header(secret, secure=request.scope["scheme"] == "https")
    return answer


@delete("/session", status_code=200)
async def sign_out(request: Req) -> Response[bytes]:
    """Sign out."""
    caller = await caller_of(request)
    await services_of(request).sessions.sign_out(caller)
    return Response(
        b"", status_code=204, headers={"Set-Cookie": no_cookie_header(secure=request.scope["scheme"] == "https")}
    )


@get("/me")
async def me(request: Req) -> Response[bytes]:
    """Who is signed in, where, and with which rights."""
    caller = await caller_of(request)
    Parameters(request.scope["query_string"], ())
    async with services_of(request).units.begin(caller.workspace, caller.actor) as unit:
        rights = {
            "design": unit.policy.design,
            "manage_users": unit.policy.manage_users,
            "import": unit.policy.import_records,
        }
    return as_json({**_me(caller), "rights": rights})


@post("/me/password", status_code=200)
async def change_password(request: Req) -> Response[bytes]:
    """Choose a new password; other sessions end."""
    caller = await caller_of(request)
    body = Values(await json_object(request), {"old_password": str, "password": str}, ("old_password", "password"))
    if caller.session_id is None:
        raise Forbidden(Problem("forbidden", "", "A token cannot change a password.", "Sign in with the password."))
    services = services_of(request)
    services.sessions.per_account.make(caller.email)
    await services.users.change_password(
        caller.account_id, body["old_password"], body["password"], but=caller.session_id
    )
    services.sessions.per_account.succeeded(caller.email)
    return Response(b"", status_code=204)


@get("/users")
async def list_users(request: Req) -> Response[bytes]:
    """All users of the workspace; only those who manage users see roles and addresses of others."""
    caller, unit_policy = await _policy(request)
    shown = await services_of(request).users.list(caller.workspace)
    return as_json(
        {"data": [_user(member, full=unit_policy or member.id == caller.account_id) for member in shown], "next": None}
    )


@post("/users")
async def create_user(request: Req) -> Response[bytes]:
    """Let a person in; without a password one is made up and told once."""
    caller = await _manager(request)
    fields = {"email": str, "name": str, "roles": list, "password": str}
    body = Values(await json_object(request), fields, ("email",))
    services = services_of(request)
    known = await _known_roles(request, caller)

    async def work() -> Answer:
        made = await services.users.create(
            caller.workspace,
            email=body["email"],
            name=body.get("name"),
            roles=body.names("roles") or ("member",),
            password=body.get("password"),
            known_roles=known,
        )
        shown = _user(made.member, full=True)
        if made.password is not None:
            shown["password"] = made.password
        return Answer(201, orjson.dumps(shown), {"Location": f"/api/v1/users/{made.member.id}"})

    return await change_outside(request, caller, work)


@get("/users/{id:str}")
async def get_user(request: Req) -> Response[bytes]:
    """One user."""
    caller, manages = await _policy(request)
    member = await services_of(request).users.get(caller.workspace, record_id(request.path_params["id"]))
    return as_json(_user(member, full=manages or member.id == caller.account_id))


@patch("/users/{id:str}")
async def update_user(request: Req) -> Response[bytes]:
    """Change name, roles, teams or password of a user, or shut them out."""
    caller = await _manager(request)
    fields = {"name": str, "roles": list, "teams": list, "disabled": bool, "password": str}
    body = Values(await json_object(request), fields)
    services = services_of(request)
    identity = record_id(request.path_params["id"])
    member = await services.users.get(caller.workspace, identity)
    if body.get("password") is not None:
        async with services.database.control() as connection:
            if await accounts.workspace_ids(connection, identity) != [caller.workspace.id]:
                problem = Problem(
                    "shared_account",
                    "/password",
                    "This account also belongs to other workspaces.",
                    "Only its owner may set the password.",
                )
                raise Conflict(problem)
        await services.users.set_password(identity, body["password"], but=caller.session_id)
    if set(body.given) - {"password"}:
        member = await services.users.update(
            caller.workspace,
            identity,
            name=body.get("name"),
            roles=body.names("roles"),
            teams=body.ids("teams"),
            disabled=body.get("disabled"),
            known_roles=await _known_roles(request, caller),
        )
    return as_json(_user(member, full=True))


@get("/roles")
async def list_roles(request: Req) -> Response[bytes]:
    """The roles that users can have, with their rights."""
    caller = await caller_of(request)
    Parameters(request.scope["query_string"], ())
    async with services_of(request).units.begin(caller.workspace, caller.actor) as unit:
        own = [role for role in unit.catalog.definitions.roles if not role.archived]
    names = {role.name for role in own}
    roles = [(role, False) for role in own] + [(role, True) for role in BUILT_IN if role.name not in names]
    shown = [
        {**role.model_dump(mode="json", by_alias=True, exclude_defaults=True), "built_in": built_in}
        for role, built_in in roles
    ]
    return as_json({"data": shown, "next": None})


@get("/teams")
async def list_teams(request: Req) -> Response[bytes]:
    """All teams."""
    caller = await caller_of(request)
    Parameters(request.scope["query_string"], ())
    async with services_of(request).database.writing() as connection:
        found = await members.teams(connection, caller.workspace.schema)
    return as_json({"data": [_team(team) for team in found], "next": None})


@post("/teams")
async def create_team(request: Req) -> Response[bytes]:
    """Make a team."""
    caller = await _manager(request)
    body = Values(await json_object(request), {"name": str, "lead": str}, ("name",))

    async def work() -> Answer:
        team = await _put_team(request, caller, new_id(), body, None)
        return Answer(201, orjson.dumps(_team(team)), {"Location": f"/api/v1/teams/{team.id}"})

    return await change_outside(request, caller, work)


@patch("/teams/{id:str}")
async def update_team(request: Req) -> Response[bytes]:
    """Change a team."""
    caller = await _manager(request)
    body = Values(await json_object(request), {"name": str, "lead": str})
    before = await _get_team(request, caller)
    return as_json(_team(await _put_team(request, caller, before.id, body, before)))


@delete("/teams/{id:str}", status_code=200)
async def delete_team(request: Req) -> Response[bytes]:
    """Dissolve a team."""
    caller = await _manager(request)
    before = await _get_team(request, caller)
    services = services_of(request)
    async with services.database.transaction() as connection:
        await members.archive_team(connection, caller.workspace.schema, before.id, services.clock.now())
    services.doorkeeper.forget()
    return Response(b"", status_code=204)


@get("/tokens")
async def list_tokens(request: Req) -> Response[bytes]:
    """The caller's tokens; all of the workspace for those who manage users."""
    caller, manages = await _policy(request)
    found = await services_of(request).tokens.list(caller.workspace, None if manages else caller.account_id)
    return as_json({"data": [_token(token) for token in found], "next": None})


@post("/tokens")
async def create_token(request: Req) -> Response[bytes]:
    """Make a token for the caller, or for another user; its secret is told once."""
    caller = await caller_of(request)
    body = Values(await json_object(request), {"name": str, "user": str, "expires_at": str}, ("name",))
    services = services_of(request)
    owner = caller.account_id
    if body.get("user") is not None:
        owner = (await services.users.get(caller.workspace, record_id(body["user"]))).id
    if owner != caller.account_id:
        await _manager(request)
    try:
        expires = read_instant(body["expires_at"], "expires_at") if body.get("expires_at") else None
    except Malformed:
        raise Invalid(
            Problem("type", "/expires_at", "This is not a time.", "Write it like 2027-01-31T00:00:00Z.")
        ) from None

    async def work() -> Answer:
        token, secret = await services.tokens.create(caller.workspace, owner, body["name"], expires)
        return Answer(201, orjson.dumps({**_token(token), "token": secret}))

    # No idempotency key here: a kept answer would keep the secret.
    return (await work()).response()


@delete("/tokens/{id:str}", status_code=200)
async def revoke_token(request: Req) -> Response[bytes]:
    """Revoke a token."""
    caller, manages = await _policy(request)
    await services_of(request).tokens.revoke(
        caller.workspace, record_id(request.path_params["id"]), None if manages else caller.account_id
    )
    return Response(b"", status_code=204)


async def _policy(request: Req) -> tuple[Caller, bool]:
    caller = await caller_of(request)
    Parameters(request.scope["query_string"], ())
    async with services_of(request).units.begin(caller.workspace, caller.actor) as unit:
        return caller, unit.policy.manage_users


async def _manager(request: Req) -> Caller:
    caller = await caller_of(request)
    Parameters(request.scope["query_string"], ())
    async with services_of(request).units.begin(caller.workspace, caller.actor) as unit:
        unit.policy.require_manage_users()
    return caller


async def _known_roles(request: Req, caller: Caller) -> set[str]:
    async with services_of(request).units.begin(caller.workspace, caller.actor) as unit:
        return role_names(unit.catalog.definitions)


async def _get_team(request: Req, caller: Caller) -> Team:
    identity = record_id(request.path_params["id"])
    async with services_of(request).database.writing() as connection:
        found = await members.teams(connection, caller.workspace.schema)
    for team in found:
        if team.id == identity:
            return team
    raise NotFound(Problem("not_found", "", "There is no such team."))


async def _put_team(request: Req, caller: Caller, identity: UUID, body: Values, before: Team | None) -> Team:
    services = services_of(request)
    name = (body.get("name") or (before.name if before else "")).strip()
    if not 1 <= len(name) <= 100 or not name.isprintable():
        raise Invalid(Problem("name", "/name", "A team's name has 1 to 100 characters."))
    lead = record_id(body["lead"]) if body.get("lead") else (before.lead if before else None)
    if lead is not None:
        await services.users.get(caller.workspace, lead)
    now = services.clock.now()
    async with services.database.writing() as connection:
        await members.put_team(connection, caller.workspace.schema, identity, name, lead, now)
    return Team(identity, name, lead, before.created_at if before else now, None)


def _me(caller: Caller) -> dict[str, Any]:
    return {
        "id": str(caller.account_id),
        "name": caller.name,
        "email": caller.email,
        "roles": list(caller.actor.roles),
        "workspace": {
            "slug": caller.workspace.slug,
            "name": caller.workspace.name,
            "time_zone": caller.workspace.time_zone,
            "currency": caller.workspace.currency,
            "locale": caller.workspace.locale,
        },
        "settings": caller.preferences,
        "csrf": caller.csrf,
    }


def _user(member: Member, *, full: bool) -> dict[str, Any]:
    shown: dict[str, Any] = {"id": str(member.id), "name": member.name, "disabled": member.disabled_at is not None}
    if full:
        shown |= {
            "email": member.email,
            "roles": list(member.roles),
            "teams": [str(team) for team in member.teams],
            "created_at": _time(member.created_at),
        }
    return shown


def _team(team: Team) -> dict[str, Any]:
    lead = str(team.lead) if team.lead else None
    return {"id": str(team.id), "name": team.name, "lead": lead, "created_at": _time(team.created_at)}


def _token(token: Token) -> dict[str, Any]:
    return {
        "id": str(token.id),
        "name": token.name,
        "user": str(token.account_id),
        "created_at": _time(token.created_at),
        "last_used_at": _time(token.last_used_at),
        "expires_at": _time(token.expires_at),
    }


def _time(at: datetime | None) -> str | None:
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ") if at is not None else None


HANDLERS = [
    sign_in, sign_out, me, change_password, list_users, create_user, get_user, update_user, list_roles,
    list_teams, create_team, update_team, delete_team, list_tokens, create_token, revoke_token,
]  # fmt: skip
