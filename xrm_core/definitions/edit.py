"""Editing a set of definitions: add, change, archive and restore single nodes; ids stay, mentions follow renames."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from xrm_core.definitions.automation import Automation
from xrm_core.definitions.collection import DefinitionSet, body
from xrm_core.definitions.layout import narrowed
from xrm_core.definitions.mail_template import MailTemplate
from xrm_core.definitions.module import Module
from xrm_core.definitions.names import did_you_mean, free_name, name_from
from xrm_core.definitions.reading import read
from xrm_core.definitions.rewrite import follow_renames
from xrm_core.definitions.role import Role
from xrm_core.fields import FIELD_TYPES
from xrm_core.kernel.errors import Conflict, Invalid, NotFound
from xrm_core.kernel.labels import label_text
from xrm_core.kernel.problem import Problem, pointer

PARTS = ("fields", "links", "pipelines", "rules", "views", "guest_pages")
"""Lists of a module whose members are edited one by one."""


# -- modules -------------------------------------------------------------------------------------------------


def add_module(definitions: DefinitionSet, data: Mapping[str, Any]) -> DefinitionSet:
    """The set with a new module; without a name it gets one from its label."""
    node = _named(dict(data), "label_plural", {m.name for m in definitions.modules if not m.archived})
    _refuse_taken(node, {m.name for m in definitions.modules if not m.archived}, "module")
    node["id"] = free_name(str(node.get("name", "")), set(definitions.by_id))
    return definitions.with_module(read(Module, node))


def patch_module(definitions: DefinitionSet, name: str, changes: Mapping[str, Any]) -> DefinitionSet:
    """The set with some properties of a module changed (a JSON merge patch); lists are replaced as a whole."""
    module = find_module(definitions, name)
    changed = _patched(Module, module, changes)
    return follow_renames(definitions, definitions.with_module(changed))


def remove_module(definitions: DefinitionSet, name: str, *, used: bool = True) -> DefinitionSet:
    """The set without a module: archived with the links to it when it was ever used, else taken out."""
    module = find_module(definitions, name)
    modules = []
    for other in definitions.modules:
        if other.id == module.id:
            if used:
                modules.append(other.model_copy(update={"archived": True}))
            continue
        links = tuple(
            link.model_copy(
                update={"archived": True}
                if len(link.to) == 1
                else {"to": tuple(t for t in link.to if t != module.name)}
            )
            if module.name in link.to and not link.archived
            else link
            for link in other.links
        )
        modules.append(other if links == other.links else other.model_copy(update={"links": links}))
    roles = tuple(
        role.model_copy(
            update={
                key: {k: v for k, v in getattr(role, key).items() if k != module.name}
                for key in ("modules", "hidden_fields", "read_only_fields")
            }
        )
        for role in definitions.roles
    )
    return definitions.having(modules=tuple(modules), roles=roles)


def restore_module(definitions: DefinitionSet, name: str) -> DefinitionSet:
    """The set with an archived module live again."""
    module = find_module(definitions, name, archived=True)
    _refuse_taken(
        {"name": module.name}, {m.name for m in definitions.modules if not m.archived and m.id != module.id}, "module"
    )
    return definitions.with_module(module.model_copy(update={"archived": False}))


# -- parts of modules ----------------------------------------------------------------------------------------


def add_part(
    definitions: DefinitionSet, module: str, part: str, data: Mapping[str, Any], index: int | None = None
) -> DefinitionSet:
    """The set with a new field, link, pipeline, rule or view in a module, at the end or at `index`."""
    owner = find_module(definitions, module)
    nodes = list(_nodes(owner, part))
    live = {node["name"] for node in nodes if not node.get("archived")}
    node = _named(dict(data), "label", live)
    _refuse_taken(node, live, part[:-1])
    # Fields and links are kept in one document, under their ids.
    shared = [*_nodes(owner, "fields"), *_nodes(owner, "links")] if part in ("fields", "links") else nodes
    node["id"] = free_name(str(node.get("name", "")), {str(other.get("id")) for other in shared})
    place = len(nodes) if index is None else max(0, min(index, len(nodes)))
    nodes.insert(place, node)
    return _with_nodes(definitions, owner, part, nodes, place)


def patch_part(
    definitions: DefinitionSet, module: str, part: str, name: str, changes: Mapping[str, Any]
) -> DefinitionSet:
    """The set with some properties of a part changed (a JSON merge patch); mentions follow a new name."""
    owner = find_module(definitions, module)
    nodes = list(_nodes(owner, part))
    place = _index(owner, part, name)
    node = nodes[place]
    if part == "fields" and isinstance(changes.get("type"), str) and changes["type"] != node.get("type"):
        settings = {key: value for key, value in changes.items() if key not in ("type", "name") and value is not None}
        retyped = retype_part(definitions, module, name, changes["type"], settings)
        return patch_part(retyped, module, part, str(node["id"]), {k: changes[k] for k in changes.keys() & {"name"}})
    if "id" in changes and changes["id"] != node["id"]:
        raise Invalid(Problem("fixed", "/id", "The id of a definition never changes.", "Leave 'id' out."))
    nodes[place] = merged(node, {**changes, "id": node["id"]})
    live = {other["name"] for number, other in enumerate(nodes) if number != place and not other.get("archived")}
    if not nodes[place].get("archived"):
        _refuse_taken(nodes[place], live, part[:-1])
    return follow_renames(definitions, _with_nodes(definitions, owner, part, nodes, place))


def retype_part(
    definitions: DefinitionSet, module: str, name: str, type_: str, settings: Mapping[str, Any]
) -> DefinitionSet:
    """The set with a field of another type: settings that both types have stay, the others come from `settings`."""
    owner = find_module(definitions, module)
    nodes = list(_nodes(owner, "fields"))
    place = _index(owner, "fields", name)
    known = {type_of.model_fields["type"].default: type_of for type_of in FIELD_TYPES}
    if type_ not in known:
        raise Invalid(Problem("unknown_type", "/type", f"There is no type '{type_}'.", did_you_mean(type_, known)))
    model = known[type_]
    keys = {info.alias or key for key, info in model.model_fields.items()}
    kept = {key: value for key, value in nodes[place].items() if key in keys and key not in ("default", "takes_from")}
    if model.computed:
        kept = {key: value for key, value in kept.items() if key not in ("required", "required_when", "unique")}
    elif not model.can_be_unique():
        kept = {key: value for key, value in kept.items() if key not in ("unique", "indexed")}
    nodes[place] = {**kept, "type": type_, **settings, "id": nodes[place]["id"], "name": nodes[place]["name"]}
    return _with_nodes(definitions, owner, "fields", nodes, place)


def remove_part(definitions: DefinitionSet, module: str, part: str, name: str, *, used: bool = True) -> DefinitionSet:
    """The set without a part: archived when it was ever used, else taken out; layouts forget it."""
    owner = find_module(definitions, module)
    nodes = list(_nodes(owner, part))
    place = _index(owner, part, name)
    gone = nodes[place]["name"]
    if used and part != "pipelines":
        nodes[place] = {**nodes[place], "archived": True}
    else:
        del nodes[place]
    changed = _with_nodes(definitions, owner, part, nodes, place)
    return _forget(changed, owner.id, gone) if part in ("fields", "links") else changed


def move_part(definitions: DefinitionSet, module: str, part: str, name: str, index: int) -> DefinitionSet:
    """The set with a part at another place in its list."""
    owner = find_module(definitions, module)
    nodes = list(_nodes(owner, part))
    node = nodes.pop(_index(owner, part, name))
    nodes.insert(max(0, min(index, len(nodes))), node)
    return _with_nodes(definitions, owner, part, nodes, index)


# -- roles ---------------------------------------------------------------------------------------------------


def add_role(definitions: DefinitionSet, data: Mapping[str, Any]) -> DefinitionSet:
    """The set with a new role."""
    live = {role.name for role in definitions.roles if not role.archived}
    node = _named(dict(data), "label", live)
    _refuse_taken(node, live, "role")
    node["id"] = free_name(str(node.get("name", "")), {role.id for role in definitions.roles})
    return definitions.with_role(read(Role, node))


def patch_role(definitions: DefinitionSet, name: str, changes: Mapping[str, Any]) -> DefinitionSet:
    """The set with some properties of a role changed (a JSON merge patch)."""
    return definitions.with_role(_patched(Role, find_role(definitions, name), changes))


def remove_role(definitions: DefinitionSet, name: str) -> DefinitionSet:
    """The set with a role archived; nobody gets rights from it any more."""
    return definitions.with_role(find_role(definitions, name).model_copy(update={"archived": True}))


def restore_role(definitions: DefinitionSet, name: str) -> DefinitionSet:
    """The set with an archived role in use again."""
    archived = [role for role in definitions.roles if role.archived]
    found = next((role for role in archived if role.id == name), None) or next(
        (r for r in archived if r.name == name), None
    )
    if found is None:
        if any(name in (role.id, role.name) for role in definitions.roles):
            raise Conflict(Problem("not_archived", "", f"The role '{name}' is not archived."))
        names = [role.name for role in archived]
        raise NotFound(Problem("missing", "", f"There is no archived role '{name}'.", did_you_mean(name, names)))
    if any(role.name == found.name and not role.archived for role in definitions.roles):
        message = f"There is a role '{found.name}' again."
        raise Conflict(Problem("duplicate_name", "/name", message, "Rename that one first."))
    return definitions.with_role(found.model_copy(update={"archived": False}))


# -- automations ---------------------------------------------------------------------------------------------


def add_automation(definitions: DefinitionSet, data: Mapping[str, Any]) -> DefinitionSet:
    """The set with a new automation."""
    live = {one.name for one in definitions.automations if not one.archived}
    node = _named(dict(data), "label", live)
    _refuse_taken(node, live, "automation")
    node["id"] = free_name(str(node.get("name", "")), {one.id for one in definitions.automations})
    return definitions.with_automation(read(Automation, node))


def patch_automation(definitions: DefinitionSet, name: str, changes: Mapping[str, Any]) -> DefinitionSet:
    """The set with some properties of an automation changed (a JSON merge patch); lists are replaced as a whole."""
    return definitions.with_automation(_patched(Automation, find_automation(definitions, name), changes))


def remove_automation(definitions: DefinitionSet, name: str) -> DefinitionSet:
    """The set with an automation archived: it does nothing any more, its runs stay."""
    found = find_automation(definitions, name)
    return definitions.with_automation(found.model_copy(update={"archived": True, "state": "paused"}))


def find_automation(definitions: DefinitionSet, name: str) -> Automation:
    """The live automation of that name; `NotFound` names the closest."""
    found = definitions.automation(name)
    if found is None:
        names = [one.name for one in definitions.automations if not one.archived]
        raise NotFound(Problem("missing", "", f"There is no automation '{name}'.", did_you_mean(name, names)))
    return found


# -- mail templates ------------------------------------------------------------------------------------------


def add_mail_template(definitions: DefinitionSet, data: Mapping[str, Any]) -> DefinitionSet:
    """The set with a new mail template."""
    live = {one.name for one in definitions.mail_templates if not one.archived}
    node = _named(dict(data), "label", live)
    _refuse_taken(node, live, "mail template")
    node["id"] = free_name(str(node.get("name", "")), {one.id for one in definitions.mail_templates})
    return definitions.with_mail_template(read(MailTemplate, node))


def patch_mail_template(definitions: DefinitionSet, name: str, changes: Mapping[str, Any]) -> DefinitionSet:
    """The set with some properties of a mail template changed (a JSON merge patch)."""
    found = find_mail_template(definitions, name)
    return follow_renames(definitions, definitions.with_mail_template(_patched(MailTemplate, found, changes)))


def remove_mail_template(definitions: DefinitionSet, name: str) -> DefinitionSet:
    """The set with a mail template archived."""
    found = find_mail_template(definitions, name)
    return definitions.with_mail_template(found.model_copy(update={"archived": True}))


def find_mail_template(definitions: DefinitionSet, name: str) -> MailTemplate:
    """The live mail template of that name; `NotFound` names the closest."""
    found = definitions.mail_template(name)
    if found is None:
        names = [one.name for one in definitions.mail_templates if not one.archived]
        raise NotFound(Problem("missing", "", f"There is no mail template '{name}'.", did_you_mean(name, names)))
    return found


# -- whole sets ---------------------------------------------------------------------------------------------------


def replace(definitions: DefinitionSet, data: Mapping[str, Any]) -> DefinitionSet:
    """The set with whole definitions put in: `{"modules": [...], "roles": [...], "automations": [...], "mail_templates": [...], "remove": ["module/name"]}`.

    A definition takes the place of the one with its id (or, if it gives none, its name). With `"complete": true`
    everything that is not in the data is removed.
    """
    problems = [
        Problem("unknown_key", f"/{key}", f"'{key}' is not known here.", did_you_mean(key, _KEYS))
        for key in data
        if key not in _KEYS
    ]
    found = definitions
    named: set[str] = set()
    kinds: tuple[tuple[str, Any, Any], ...] = (
        ("module", Module, definitions.modules),
        ("role", Role, definitions.roles),
        ("automation", Automation, definitions.automations),
        ("mail_template", MailTemplate, definitions.mail_templates),
    )
    for kind, model, known in kinds:
        nodes = data.get(f"{kind}s", [])
        if not isinstance(nodes, list):
            problems.append(Problem("type", f"/{kind}s", "A list is needed."))
            continue
        for index, node in enumerate(nodes):
            try:
                item = _placed(model, node, known, f"/{kind}s/{index}")
            except Invalid as invalid:
                problems += invalid.problems
                continue
            named.add(f"{kind}/{item.id}")
            if isinstance(item, Module):
                found = found.with_module(item)
            elif isinstance(item, Automation):
                found = found.with_automation(item)
            elif isinstance(item, MailTemplate):
                found = found.with_mail_template(item)
            else:
                found = found.with_role(item)
    if problems:
        raise Invalid(problems)
    for index, key in enumerate(data.get("remove", ())):
        kind, _, name = str(key).partition("/")
        if kind == "module":
            found = remove_module(found, name)
        elif kind == "role":
            found = remove_role(found, name)
        elif kind == "automation":
            found = remove_automation(found, name)
        elif kind == "mail_template":
            found = remove_mail_template(found, name)
        else:
            hint = "Write module/NAME, role/NAME, automation/NAME or mail_template/NAME."
            raise Invalid(Problem("value", f"/remove/{index}", "This is no definition.", hint))
    if data.get("complete"):
        found = found.having(
            modules=tuple(module for module in found.modules if f"module/{module.id}" in named),
            roles=tuple(role for role in found.roles if f"role/{role.id}" in named),
            automations=tuple(one for one in found.automations if f"automation/{one.id}" in named),
            mail_templates=tuple(one for one in found.mail_templates if f"mail_template/{one.id}" in named),
        )
    return follow_renames(definitions, found)


_KEYS = ("modules", "roles", "automations", "mail_templates", "remove", "complete")


def _placed(model: Any, node: Any, known: Any, path: str) -> Any:
    if isinstance(node, Mapping) and "id" not in node:
        there = next((other for other in known if other.name == node.get("name") and not other.archived), None)
        name = str(node.get("name", ""))
        key = there.id if there is not None else free_name(name, {other.id for other in known})
        node = {**node, "id": key} if key else node
    return read(model, node, path)


# -- finding -------------------------------------------------------------------------------------------------


def find_module(definitions: DefinitionSet, name: str, *, archived: bool = False) -> Module:
    """The live module of that name (or, on request, the archived one); `NotFound` names the closest."""
    for module in definitions.modules:
        if name in (module.name, module.id) and module.archived == archived:
            return module
    names = [module.name for module in definitions.modules if module.archived == archived]
    raise NotFound(
        Problem(
            "missing", "", f"There is no {'archived ' if archived else ''}module '{name}'.", did_you_mean(name, names)
        )
    )


def find_role(definitions: DefinitionSet, name: str) -> Role:
    """The live role of that name; `NotFound` names the closest."""
    for role in definitions.roles:
        if name in (role.name, role.id) and not role.archived:
            return role
    names = [role.name for role in definitions.roles if not role.archived]
    raise NotFound(Problem("missing", "", f"There is no role '{name}'.", did_you_mean(name, names)))


def merged(node: Any, changes: Any) -> Any:
    """A JSON merge patch (RFC 7396): objects merge, null removes, everything else replaces."""
    if not isinstance(changes, Mapping):
        return changes
    found = dict(node) if isinstance(node, Mapping) else {}
    for key, value in changes.items():
        if value is None:
            found.pop(key, None)
        else:
            found[key] = merged(found.get(key), value) if isinstance(value, Mapping) else value
    return found


# -- inside --------------------------------------------------------------------------------------------------


def _named(node: dict[str, Any], label: str, taken: set[str]) -> dict[str, Any]:
    if "name" not in node and node.get(label, node.get("label")):
        text = node.get(label, node.get("label"))
        if isinstance(text, (str, dict)):
            node["name"] = free_name(name_from(label_text(text)), taken)
    return node


def _refuse_taken(node: Mapping[str, Any], taken: set[str], what: str) -> None:
    if isinstance(node.get("name"), str) and node["name"] in taken:
        raise Conflict(
            Problem("duplicate_name", "/name", f"There is already a {what} '{node['name']}'.", "Choose another name.")
        )


def _patched(model: Any, node: Any, changes: Mapping[str, Any]) -> Any:
    if "id" in changes and changes["id"] != node.id:
        raise Invalid(Problem("fixed", "/id", "The id of a definition never changes.", "Leave 'id' out."))
    return read(model, merged(body(node), {**changes, "id": node.id}))


def _nodes(module: Module, part: str) -> list[dict[str, Any]]:
    if part not in PARTS:
        raise NotFound(Problem("missing", "", f"A module has no '{part}'.", did_you_mean(part, PARTS)))
    return [body(node) for node in getattr(module, part)]


def _index(module: Module, part: str, name: str) -> int:
    nodes = getattr(module, part)
    for archived in (False, True):
        for index, node in enumerate(nodes):
            if name in (node.name, node.id) and getattr(node, "archived", False) == archived:
                return index
    names = [node.name for node in nodes]
    raise NotFound(Problem("missing", "", f"{module.name} has no {part[:-1]} '{name}'.", did_you_mean(name, names)))


def _with_nodes(
    definitions: DefinitionSet, module: Module, part: str, nodes: list[dict[str, Any]], place: int
) -> DefinitionSet:
    """The module read again with another list; problems of the edited node have paths relative to it."""
    try:
        changed = read(Module, {**body(module), part: nodes})
    except Invalid as invalid:
        here = pointer(part, place)
        raise Invalid(
            [Problem(p.code, p.path.removeprefix(here), p.message, p.hint) for p in invalid.problems]
        ) from None
    return definitions.with_module(changed)


def _forget(definitions: DefinitionSet, module_id: str, name: str) -> DefinitionSet:
    # A layout or a column that shows a field is not a reason to keep it; formulas and filters that use it are.
    module = definitions.by_id[module_id]

    def without(names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(n for n in names if n.removeprefix("-").split(".")[0] != name)

    layout = narrowed(module.layout, without)
    views = tuple(
        view.model_copy(
            update={
                "columns": without(view.columns),
                "card_fields": without(view.card_fields),
                "sort": without(view.sort),
                "sum": None if view.sum == name else view.sum,
            }
        )
        for view in module.views
    )
    panels = tuple(
        panel.model_copy(update={"columns": without(panel.columns)}) if panel.kind == "facts" else panel
        for panel in module.panels
    )
    roles = tuple(
        role.model_copy(
            update={
                key: {m: without(f) if m == module.name else f for m, f in getattr(role, key).items()}
                for key in ("hidden_fields", "read_only_fields")
            }
        )
        for role in definitions.roles
    )
    return definitions.with_module(
        module.model_copy(update={"layout": layout, "views": views, "panels": panels})
    ).having(roles=roles)
