"""Roles in the designer: rights per module with their scopes, hidden and read-only fields, rights on the workspace."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post

from xrm_core.access.policy import BUILT_IN
from xrm_core.definitions.collection import body
from xrm_core.definitions.module import Module
from xrm_core.definitions.names import free_name, name_from
from xrm_core.definitions.operations import Operation
from xrm_core.definitions.role import BUILT_IN_ROLES, Grants, Role
from xrm_core.kernel.errors import Conflict, Invalid, NotFound
from xrm_core.kernel.labels import label_text
from xrm_core.kernel.problem import Problem
from xrm_core.publishing.drafts import Draft
from xrm_core.web.design_inputs import LANGUAGES
from xrm_core.web.design_layouts import all_roles
from xrm_core.web.designing import bar, drafts_of, frame
from xrm_core.web.editing import form_of
from xrm_core.web.frame import page, redirect
from xrm_core.web.services import Req, Visit, caller_of, visit
from xrm_core.web.views_design import DesignRole, DesignRoles, RightsRow
from xrm_core.web.widgets import Form

SCOPES = ("none", "own", "team", "all")
SCOPED = ("see", "edit", "archive")
PLAIN = ("create", "erase", "export")
EVERY = "*"
WORKSPACE = ("design", "manage_users", "import")


@get("/design/roles")
async def design_roles(request: Req) -> Response[bytes]:
    """All roles as the draft has them."""
    async with visit(request) as here:
        here.unit.policy.require_design()
        return page(here, _list(here, await drafts_of(here).get()), frame(here, here.t("Roles")))


@get("/design/roles/{role:str}")
async def design_role(request: Req) -> Response[bytes]:
    """One role; `module` says whose fields are shown."""
    async with visit(request) as here:
        here.unit.policy.require_design()
        draft = await drafts_of(here).get()
        view = _one(here, draft, request.path_params["role"], request.query_params.get("module", ""))
        return page(here, view, frame(here, view.label))


@post("/design/roles")
async def change_roles(request: Req) -> Response[bytes]:
    """A new role, or one archived or restored."""
    caller = await caller_of(request)
    form = await form_of(request, caller)
    async with visit(request, caller) as here:
        here.unit.policy.require_design()
        drafts = drafts_of(here)
        try:
            draft = await drafts.get()
            name = form.text("role")
            if form.text("do") == "archive":
                await drafts.append([{"op": "archive", "path": f"role/{_found(draft, name).id}"}])
            elif form.text("do") == "restore":
                await drafts.append([{"op": "restore", "path": f"role/{name}"}])
            else:
                made = _new(draft, form)
                await drafts.append([{"op": "add", "path": "role", "data": made}])
                return redirect(f"/design/roles/{made['name']}")
        except (Invalid, Conflict, NotFound) as refused:
            view = _list(here, await drafts.get(), _told(refused))
            return page(here, view, frame(here, here.t("Roles")), status=refused.status)
        return redirect("/design/roles")


@post("/design/roles/{role:str}")
async def change_role(request: Req) -> Response[bytes]:
    """The rights of a role, or its fields of one module."""
    caller = await caller_of(request)
    form = await form_of(request, caller)
    name, module = request.path_params["role"], form.text("module")
    async with visit(request, caller) as here:
        here.unit.policy.require_design()
        drafts = drafts_of(here)
        try:
            draft = await drafts.get()
            role = _found(draft, name)
            changes = _fields(draft, role, form, module) if form.text("do") == "fields" else _rights(draft, role, form)
            if changes:
                await drafts.append(_operations(draft, role, changes))
        except (Invalid, Conflict) as refused:
            view = _one(here, await drafts.get(), name, module, _told(refused))
            return page(here, view, frame(here, view.label), status=refused.status)
        return redirect(f"/design/roles/{name}" + (f"?module={module}" if module else ""), toast=here.t("Taken into the draft"))


def _told(refused: Invalid | Conflict | NotFound) -> str:
    return " ".join(f"{one.message} {one.hint}".strip() for one in refused.problems[:5])


# -- what is changed ------------------------------------------------------------------------------------------------------


def _found(draft: Draft, name: str) -> Role:
    for role in all_roles(draft.wanted):
        if name in (role.name, role.id):
            return role
    raise NotFound(Problem("missing", "", f"There is no role '{name}'."))


def _new(draft: Draft, form: Form) -> dict[str, Any]:
    label = form.text("label")
    if not label:
        raise Invalid(Problem("required", "/label", "A label is needed."))
    name = free_name(name_from(label), {role.name for role in (*BUILT_IN, *draft.wanted.roles)})
    like = form.text("like")
    data = body(_found(draft, like)) if like else {"modules": {EVERY: {"see": "all"}}}
    return {**{key: value for key, value in data.items() if key not in ("id", "description")}, "name": name, "label": label}


def _operations(draft: Draft, role: Role, changes: dict[str, Any]) -> list[Operation]:
    """Changing a role; a built-in one is written down first, which takes the place of what everybody has."""
    if any(role.id == one.id for one in draft.wanted.roles):
        return [{"op": "patch", "path": f"role/{role.id}", "changes": changes}]
    data = {key: value for key, value in body(role).items() if key != "id"}
    return [
        {"op": "add", "path": "role", "data": data},
        {"op": "patch", "path": f"role/{role.name}", "changes": changes},
    ]


def _rights(draft: Draft, role: Role, form: Form) -> dict[str, Any]:
    """A merge patch: modules that are as all others are taken out."""
    wanted: dict[str, Any] = {}
    for name in (EVERY, *(one.name for one in draft.wanted.modules if not one.archived)):
        if not form.has(f"see.{name}"):
            continue
        scopes = {key: form.text(f"{key}.{name}") for key in SCOPED}
        if not scopes["see"]:
            wanted[name] = None
            continue
        wanted[name] = {key: value if value in SCOPES else "none" for key, value in scopes.items()}
        wanted[name] |= {key: form.text(f"{key}.{name}") == "true" for key in PLAIN}
    known = {name: grants.model_dump(mode="json") for name, grants in role.modules.items()}
    modules = {name: value for name, value in wanted.items() if known.get(name) != value}
    changes: dict[str, Any] = {"modules": modules} if modules else {}
    label = {language: form.text(f"label.{language}") for language in LANGUAGES if form.text(f"label.{language}")}
    before = {"en": role.label} if isinstance(role.label, str) else dict(role.label)
    if label and label != before:
        changes["label"] = {**dict.fromkeys(before, None), **label} if not isinstance(role.label, str) else label
    before_words = {"design": role.design, "manage_users": role.manage_users, "import": role.import_records}
    words = {word: form.text(word) == "true" for word in WORKSPACE if form.has(word)}
    return changes | {word: on for word, on in words.items() if on != before_words[word]}


def _fields(draft: Draft, role: Role, form: Form, name: str) -> dict[str, Any]:
    module = _module(draft, name)
    if module is None:
        raise Invalid(Problem("missing", "/module", f"There is no module '{name}'."))
    hidden = [one.name for one in (*module.fields, *module.links) if form.text(f"field.{one.name}") == "hidden"]
    fixed = [one.name for one in (*module.fields, *module.links) if form.text(f"field.{one.name}") == "read_only"]
    changes: dict[str, Any] = {}
    for key, names in (("hidden_fields", hidden), ("read_only_fields", fixed)):
        table = getattr(role, key)
        if list(table.get(module.name) or table.get(module.id) or ()) != names:
            changes[key] = {module.name: names or None} | ({module.id: None} if module.id != module.name and module.id in table else {})
    return changes


# -- what is shown --------------------------------------------------------------------------------------------------------


def _module(draft: Draft, name: str) -> Module | None:
    return next((one for one in draft.wanted.modules if name in (one.name, one.id) and not one.archived), None)


def _list(here: Visit, draft: Draft, error: str = "") -> DesignRoles:
    t, locale = here.t, here.locale
    rows = []
    for role in all_roles(draft.wanted):
        about = label_text(role.description, locale) if role.description else ""
        defined = any(role.id == one.id for one in draft.wanted.roles)
        state = "" if not defined else t("changed") if role.name in BUILT_IN_ROLES else ""
        rows.append((role.name, label_text(role.label, locale), about, state, defined and role.name not in BUILT_IN_ROLES))
    archived = tuple((role.id, label_text(role.label, locale)) for role in draft.wanted.roles if role.archived)
    return DesignRoles(bar(here, draft), tuple(rows), archived, error)


def _one(here: Visit, draft: Draft, name: str, module_name: str, error: str = "") -> DesignRole:
    role, t, locale = _found(draft, name), here.t, here.locale
    modules = sorted((one for one in draft.wanted.modules if not one.archived), key=lambda one: one.plural(locale))
    rows = [_row(role, EVERY, EVERY, t("All other modules"), False)]
    rows += [_row(role, one.name, one.id, one.plural(locale), one.name == module_name) for one in modules]
    scopes = (("none", t("nobody's")), ("own", t("own")), ("team", t("of the team")), ("all", t("all")))
    module = _module(draft, module_name) if module_name else None
    fields: list[tuple[str, str, str]] = []
    if module is not None:
        hidden = role.hidden_fields.get(module.name) or role.hidden_fields.get(module.id) or ()
        fixed = role.read_only_fields.get(module.name) or role.read_only_fields.get(module.id) or ()
        for one in (*module.fields, *module.links):
            if not one.archived:
                state = "hidden" if one.name in hidden else "read_only" if one.name in fixed else ""
                fields.append((one.name, label_text(one.label, locale), state))
    label = {"en": role.label} if isinstance(role.label, str) else dict(role.label)
    return DesignRole(
        bar(here, draft), role.name, label_text(role.label, locale), {language: label.get(language, "") for language in LANGUAGES},
        tuple(rows), scopes,
        (("design", t("May change definitions"), role.design), ("manage_users", t("May manage users"), role.manage_users),
         ("import", t("May import records"), role.import_records)),
        module.name if module is not None else "", module.plural(locale) if module is not None else "", tuple(fields),
        module.id if module is not None else "", error,
    )  # fmt: skip


def _row(role: Role, name: str, key: str, label: str, current: bool) -> RightsRow:
    grants = role.modules.get(key) or role.modules.get(name)
    shown = grants or Grants()
    hides = len(role.hidden_fields.get(name, ())) + len(role.read_only_fields.get(name, ()))
    return RightsRow(
        name, label, grants is None and name != EVERY, tuple((word, getattr(shown, word)) for word in SCOPED),
        tuple((word, bool(getattr(shown, word))) for word in PLAIN), hides, current,
    )  # fmt: skip


HANDLERS = [design_roles, design_role, change_roles, change_role]
