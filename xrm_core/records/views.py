"""Views that people save: personal, for a team, for all; nobody changes a view of somebody else."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from xrm_core.access.policy import BUILT_IN
from xrm_core.catalog import CompiledModule
from xrm_core.definitions import View
from xrm_core.definitions.checks.base import Subject
from xrm_core.definitions.checks.views import check_view
from xrm_core.definitions.collection import body
from xrm_core.definitions.reading import read
from xrm_core.definitions.saved_view import Look
from xrm_core.kernel.errors import Conflict, Forbidden, Invalid, Malformed, NotFound, Stale
from xrm_core.kernel.ids import new_id
from xrm_core.kernel.labels import label_text
from xrm_core.kernel.problem import Problem
from xrm_core.records.inputs import read_uuid
from xrm_core.records.query import read_filter, read_path
from xrm_core.records.unit import Unit
from xrm_core.storage import members
from xrm_core.storage import views as store
from xrm_core.storage.rows import instant
from xrm_core.storage.views import SavedView

VISIBILITY = ("mine", "team", "shared")
MOST = 500
_MOST_KNOWN = 2_000
_RECENTLY = timedelta(days=30)


async def listed(unit: Unit, module_name: str | None = None, *, counted: bool = True) -> list[dict[str, Any]]:
    """All views that the actor sees: those of the definitions first, then saved ones; one per module is the default.

    With `counted` each says how often it was opened lately.
    """
    wanted = [unit.module(module_name)] if module_name else list(unit.catalog.modules.values())
    modules = {module.id: module for module in wanted if unit.policy.allows(module.id, "see")}
    connection = await unit.writer()
    saved = await store.visible(
        connection, unit.schema, unit.actor.user_id, unit.actor.teams, wanted[0].id if module_name else None
    )
    uses = await store.uses(connection, unit.schema, unit.today - _RECENTLY) if counted else {}
    defaults = await store.defaults(connection, unit.schema)
    found = []
    for module in modules.values():
        entries = [_defined(unit, module, view) for view in module.definition.views if offered(unit, module, view)]
        entries += [
            shown(unit, module, view) for view in saved if view.module_id == module.id and _usable(unit, module, view)
        ]
        first = _first(unit, module, entries, defaults)
        for entry in entries:
            found.append({**entry, "uses": uses.get(entry["key"], 0), "default": entry["key"] == first})
    return found


def offered(unit: Unit, module: CompiledModule, view: View) -> bool:
    """Whether a view of the definitions is one for the actor."""
    if view.archived or (view.roles and not set(view.roles) & set(unit.actor.roles) and not unit.policy.everything):
        return False
    return _readable(unit, module, view.filter)


def _readable(unit: Unit, module: CompiledModule, text: str | None) -> bool:
    """A filter over what does not exist for the actor would tell that it does."""
    if not text:
        return True
    key = ("readable", unit.policy.key, text)
    known: dict[Any, bool] = module.memo.setdefault("readable", {})
    if key not in known:
        if len(known) >= _MOST_KNOWN:
            known.clear()
        try:
            read_filter(unit, module, text)
            known[key] = True
        except Malformed:
            known[key] = False
    return known[key]


def visible(unit: Unit, module: CompiledModule, path: str) -> bool:
    """Whether a column exists for the actor."""
    hidden = unit.policy.module(module.id).hidden
    link = module.links.get(path)
    if link is not None or path in module.inverses:
        return link is None or link.id not in hidden
    known = module.fields.get(path)
    if known is not None:
        return known.id not in hidden
    try:
        read_path(unit, module, path, "")
    except Malformed:
        return False
    return True


def _usable(unit: Unit, module: CompiledModule, view: SavedView) -> bool:
    look = view.definition
    rules = [look.get("filter"), *(rule["when"] for rule in look.get("color", ()))]
    named = [look.get("group_by"), look.get("sum"), look.get("date_field"), look.get("end_field")]
    return all(_readable(unit, module, text) for text in rules) and all(
        visible(unit, module, name) for name in named if name
    )


def _first(
    unit: Unit, module: CompiledModule, entries: list[dict[str, Any]], defaults: dict[tuple[str, str], str]
) -> str | None:
    keys = {entry["key"] for entry in entries}
    for role in unit.actor.roles:
        chosen = defaults.get((module.id, role))
        if chosen in keys:
            return chosen
    named = next((view for view in module.definition.views if view.default and f"{module.id}.{view.id}" in keys), None)
    if named is not None:
        return f"{module.id}.{named.id}"
    return entries[0]["key"] if entries else None


def _defined(unit: Unit, module: CompiledModule, view: View) -> dict[str, Any]:
    definition = {
        key: value
        for key, value in body(view).items()
        if key not in ("id", "name", "label", "module", "roles", "default", "attention")
    }
    return {
        "key": f"{module.id}.{view.id}",
        "kind": "defined",
        "id": None,
        "view": view.name,
        "module": module.name,
        "name": label_text(view.label, unit.workspace.locale),
        "visibility": "shared",
        "definition": _stripped(unit, module, definition),
        "can_edit": False,
    }


def shown(unit: Unit, module: CompiledModule, view: SavedView) -> dict[str, Any]:
    """A saved view as the API shows it."""
    return {
        "key": str(view.id),
        "kind": "saved",
        "id": str(view.id),
        "module": module.name,
        "name": view.name,
        "owner": str(view.owner),
        "visibility": view.visibility,
        "definition": _stripped(unit, module, view.definition),
        "place": view.place,
        "version": view.version,
        "updated_at": instant(view.updated_at),
        "can_edit": view.owner == unit.actor.user_id,
    }


def _stripped(unit: Unit, module: CompiledModule, definition: dict[str, Any]) -> dict[str, Any]:
    """Without the columns that do not exist for the actor."""
    found = {"layout": "list", **definition}
    for key in ("columns", "card_fields", "pinned"):
        if key in found:
            found[key] = [path for path in found[key] if visible(unit, module, path)]
    if "sort" in found:
        found["sort"] = [path for path in found["sort"] if visible(unit, module, path.lstrip("-+"))]
    for key in ("widths", "aggregates"):
        if key in found:
            found[key] = {path: value for path, value in found[key].items() if visible(unit, module, path)}
    return found


# -- changing -------------------------------------------------------------------------------------------------------------


def _look(unit: Unit, module: CompiledModule, given: Any) -> dict[str, Any]:
    """The definition of a view, checked as those of modules are, and against what the actor may see."""
    look = read(Look, given, "/definition")
    scopes = unit.catalog.scopes
    subject = Subject(unit.catalog.definitions, scopes.directory, scopes)
    problems = list(check_view(subject, module.definition, look.as_view("view", "View"), "/definition"))
    for n, rule in enumerate(look.color):
        if not _readable(unit, module, rule.when):
            problems.append(Problem("filter", f"/definition/color/{n}/when", "This condition cannot be read."))
    try:
        read_filter(unit, module, look.filter)
    except Malformed as error:
        problems += [] if problems else [problem.under("/definition") for problem in error.problems]
    if problems:
        raise Invalid(problems)
    return body(look)


async def create(
    unit: Unit, module_name: str, name: str, definition: Any, visibility: str = "mine", place: int = 1000
) -> dict[str, Any]:
    """Save a view."""
    module = unit.module(module_name)
    unit.policy.require(module.id, "see")
    owner = unit.actor.user_id
    if owner is None:
        raise Forbidden(Problem("forbidden", "", "Only people save views."))
    connection = await unit.transaction()
    if await store.owned(connection, unit.schema, owner) >= MOST:
        raise Conflict(Problem("too_many", "", f"At most {MOST} saved views.", "Remove some."))
    view = SavedView(
        new_id(), module.id, _name(name), owner, _visibility(visibility), _look(unit, module, definition), _place(place),
        1, unit.now, unit.now,
    )  # fmt: skip
    await store.put(connection, unit.schema, view)
    return shown(unit, module, view)


async def update(unit: Unit, view_id: UUID, changes: dict[str, Any], expected: int | None = None) -> dict[str, Any]:
    """Change a view of one's own; an administrator may only give it to somebody else."""
    view, module = await _get(unit, view_id)
    if view.owner != unit.actor.user_id and not (unit.policy.design and set(changes) == {"owner"}):
        raise Forbidden(Problem("not_yours", "", "This view belongs to somebody else.", "Save it under another name."))
    if expected is not None and expected != view.version:
        raise Stale(Problem("stale", "", f"The view is at version {view.version}.", "Read it again."))
    if "name" in changes:
        view = replace(view, name=_name(changes["name"]))
    if "visibility" in changes:
        view = replace(view, visibility=_visibility(changes["visibility"]))
    if "place" in changes:
        view = replace(view, place=_place(changes["place"]))
    if "definition" in changes:
        view = replace(view, definition=_look(unit, module, changes["definition"]))
    connection = await unit.transaction()
    if "owner" in changes:
        owner = read_uuid(changes["owner"])
        if owner is None or not await _is_member(unit, owner):
            raise Invalid(Problem("unknown_user", "/owner", "There is no such user."))
        view = replace(view, owner=owner)
    view = replace(view, version=view.version + 1, updated_at=unit.now)
    await store.put(connection, unit.schema, view)
    return shown(unit, module, view)


async def remove(unit: Unit, view_id: UUID) -> None:
    """Remove a view of one's own; administrators remove any."""
    view, _ = await _get(unit, view_id)
    if view.owner != unit.actor.user_id and not unit.policy.design:
        raise Forbidden(Problem("not_yours", "", "This view belongs to somebody else."))
    await store.remove(await unit.transaction(), unit.schema, view.id)


async def get(unit: Unit, view_id: UUID) -> dict[str, Any]:
    """One saved view."""
    view, module = await _get(unit, view_id)
    return shown(unit, module, view)


async def use(unit: Unit, key: str) -> None:
    """Count that a view, saved or defined, was opened."""
    identifier = read_uuid(key)
    if identifier is not None:
        await _get(unit, identifier)
    else:
        _defined_key(unit, key)
    await store.use(await unit.transaction(), unit.schema, key, unit.today)


async def set_default(unit: Unit, module_name: str, role: str, key: str | None) -> None:
    """Let a role begin with a view in a module; for administrators."""
    unit.policy.require_design()
    module = unit.module(module_name)
    known = {one.name for one in (*BUILT_IN, *unit.catalog.definitions.roles)}
    if role not in known:
        raise Invalid(
            Problem("unknown_role", "/role", f"There is no role {role[:60]!r}.", f"Roles: {', '.join(sorted(known))}.")
        )
    if key is not None:
        identifier = read_uuid(key)
        if identifier is not None:
            view, of = await _get(unit, identifier)
            if of is not module or view.visibility != "shared":
                raise Invalid(Problem("view", "/view", "A role begins with a shared view of the same module."))
        elif _defined_key(unit, key) is not module:
            raise Invalid(Problem("view", "/view", "The view belongs to another module."))
    await store.set_default(await unit.transaction(), unit.schema, module.id, role, key)


def _defined_key(unit: Unit, key: str) -> CompiledModule:
    module_id, _, view_id = key.partition(".")
    module = unit.catalog.modules.get(module_id)
    if module is None or not any(view.id == view_id for view in module.definition.views):
        raise NotFound(Problem("unknown_view", "", "There is no such view."))
    return module


async def _get(unit: Unit, view_id: UUID) -> tuple[SavedView, CompiledModule]:
    connection = await unit.transaction()
    view = await store.get(connection, unit.schema, view_id, unit.actor.user_id, unit.actor.teams)
    module = unit.catalog.modules.get(view.module_id) if view else None
    if view is None or module is None or not unit.policy.allows(module.id, "see") or not _usable(unit, module, view):
        raise NotFound(Problem("unknown_view", "", "There is no such view."))
    return view, module


async def _is_member(unit: Unit, identifier: UUID) -> bool:
    return bool(await members.existing(await unit.transaction(), unit.schema, [identifier]))


def _name(name: Any) -> str:
    text = " ".join(name.split()) if isinstance(name, str) else ""
    if not 1 <= len(text) <= 100 or not text.isprintable():
        raise Invalid(Problem("name", "/name", "A view's name has 1 to 100 characters."))
    return text


def _visibility(value: Any) -> str:
    if value not in VISIBILITY:
        raise Invalid(Problem("choice", "/visibility", f"One of {', '.join(VISIBILITY)}."))
    return str(value)


def _place(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= 100_000:
        raise Invalid(Problem("range", "/place", "A whole number from 0 to 100000."))
    return value
