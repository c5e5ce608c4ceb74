"""The edits of a draft: small operations on definitions as JSON, each addressed by a path of ids."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from xrm_core.definitions import edit
from xrm_core.definitions.automation import Automation
from xrm_core.definitions.collection import DefinitionSet, body
from xrm_core.definitions.mail_template import MailTemplate
from xrm_core.definitions.module import Module
from xrm_core.definitions.names import did_you_mean, free_name, name_from
from xrm_core.definitions.reading import read
from xrm_core.definitions.rewrite import follow_renames
from xrm_core.definitions.role import Role
from xrm_core.kernel.errors import Conflict, Invalid, NotFound
from xrm_core.kernel.labels import label_text
from xrm_core.kernel.problem import Problem, pointer

Operation = dict[str, Any]
LISTS = (
    "fields", "links", "pipelines", "stages", "rules", "views", "guest_pages", "sections", "variants", "panels",
    "options", "attributes", "reasons",
)  # fmt: skip
"""Lists whose members are nodes of their own."""
LONGEST_PATH = 600

_KEYS: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    # operation: (needed, allowed besides); all have "op"
    "add": (frozenset({"path", "data"}), frozenset({"index"})),
    "patch": (frozenset({"path", "changes"}), frozenset()),
    "set": (frozenset({"path", "pointer"}), frozenset({"value"})),
    "replace": (frozenset({"path", "data"}), frozenset()),
    "rename": (frozenset({"path", "name"}), frozenset()),
    "move": (frozenset({"path", "index"}), frozenset({"to"})),
    "archive": (frozenset({"path"}), frozenset()),
    "restore": (frozenset({"path"}), frozenset()),
    "remove": (frozenset({"path"}), frozenset()),
    "retype": (frozenset({"path", "type"}), frozenset({"settings", "takes_from"})),
    "merge_options": (frozenset({"path", "from", "into"}), frozenset()),
    "split": (frozenset({"path", "into"}), frozenset({"archive"})),
    "combine": (frozenset({"path", "data", "expression"}), frozenset({"archive"})),
    "definitions": (frozenset({"data"}), frozenset()),
}
OPERATIONS = tuple(_KEYS)


def check_operation(data: Any, place: str = "") -> Operation:
    """An operation as it was sent, with a known `op` and the keys that this needs; raises `Invalid`."""
    if not isinstance(data, Mapping):
        raise Invalid(Problem("type", place, "An operation is an object.", 'Send {"op": "patch", "path": ...}.'))
    name = str(data.get("op"))
    if name not in _KEYS:
        raise Invalid(Problem("value", f"{place}/op", "There is no such operation.", did_you_mean(name, OPERATIONS)))
    needed, allowed = _KEYS[name]
    problems = [
        Problem("required", f"{place}/{key}", f"'{key}' is needed here.") for key in sorted(needed - data.keys())
    ]
    problems += [
        Problem("unknown_key", f"{place}/{key}", f"'{key}' is not known here.")
        for key in sorted(data.keys() - needed - allowed - {"op"})
    ]
    shapes: dict[str, tuple[type, str]] = {
        "path": (str, "a text"), "name": (str, "a text"), "pointer": (str, "a text"), "type": (str, "a text"),
        "to": (str, "a text"), "expression": (str, "a text"), "data": (dict, "an object"),
        "changes": (dict, "an object"), "settings": (dict, "an object"), "index": (int, "a whole number"),
        "archive": (list, "a list of names") if name == "combine" else (bool, "true or false"),
    }  # fmt: skip
    for key, (shape, words) in shapes.items():
        if key in data and (not isinstance(data[key], shape) or (shape is int and isinstance(data[key], bool))):
            problems.append(Problem("type", f"{place}/{key}", f"'{key}' is {words}."))
    if isinstance(data.get("path"), str) and len(data["path"]) > LONGEST_PATH:
        problems.append(Problem("too_long", f"{place}/path", "The path is too long."))
    if problems:
        raise Invalid(problems)
    return dict(data)


def apply(definitions: DefinitionSet, operation: Operation, base: DefinitionSet) -> DefinitionSet:
    """The set after one operation. `base` is the published set: what is not in it can be taken out without a trace."""
    return _HANDLERS[operation["op"]](definitions, operation, base)


def apply_all(base: DefinitionSet, operations: list[Operation]) -> DefinitionSet:
    """The set after all of them, one after the other."""
    found = base
    for operation in operations:
        found = apply(found, operation, base)
    return found


# -- handlers -----------------------------------------------------------------------------------------------------


def _add(definitions: DefinitionSet, op: Operation, base: DefinitionSet) -> DefinitionSet:
    parts = _parts(op)
    if parts == ["module"]:
        return edit.add_module(definitions, op["data"])
    if parts == ["role"]:
        return edit.add_role(definitions, op["data"])
    if parts == ["automation"]:
        return edit.add_automation(definitions, op["data"])
    if parts == ["mail_template"]:
        return edit.add_mail_template(definitions, op["data"])
    module = _module(definitions, parts)
    if len(parts) == 3 and parts[2] in edit.PARTS:
        return edit.add_part(definitions, module.name, parts[2], op["data"], op.get("index"))
    if parts[-1] not in LISTS:
        raise Invalid(Problem("path", "/path", f"'{parts[-1]}' is no list to add to.", did_you_mean(parts[-1], LISTS)))

    def change(tree: dict[str, Any]) -> None:
        holder = _walk(tree, parts[2:-1])
        nodes: list[Any] = holder.setdefault(parts[-1], [])
        node = dict(op["data"])
        if not all(isinstance(other, dict) for other in nodes):
            raise Invalid(Problem("path", "/path", f"'{parts[-1]}' is no list of definitions here."))
        live = {other.get("name") for other in nodes if not other.get("archived")}
        if "name" not in node and isinstance(node.get("label"), (str, dict)):
            node["name"] = free_name(name_from(label_text(node["label"])), {str(name) for name in live})
        if isinstance(node.get("name"), str) and node["name"] in live:
            raise Conflict(
                Problem(
                    "duplicate_name", "/name", f"There is already one called '{node['name']}'.", "Choose another name."
                )
            )
        node["id"] = free_name(str(node.get("name", "")), {_key(other) for other in nodes})
        index = op.get("index", len(nodes))
        nodes.insert(max(0, min(index, len(nodes))), node)

    return _changed(definitions, module, change, [*parts[2:], ""], op.get("index"))


def _patch(definitions: DefinitionSet, op: Operation, base: DefinitionSet) -> DefinitionSet:
    return _with(definitions, _parts(op), lambda node: edit.merged(node, op["changes"]))


def _replace(definitions: DefinitionSet, op: Operation, base: DefinitionSet) -> DefinitionSet:
    return _with(
        definitions, _parts(op), lambda node: {**op["data"], "id": _key(node)} if "name" in node else op["data"]
    )


def _set(definitions: DefinitionSet, op: Operation, base: DefinitionSet) -> DefinitionSet:
    steps = [step.replace("~1", "/").replace("~0", "~") for step in op["pointer"].split("/")[1:]]
    if not steps:
        raise Invalid(Problem("pointer", "/pointer", "A JSON pointer such as /label/de is needed."))
    value = op.get("value")

    def change(node: dict[str, Any]) -> dict[str, Any]:
        here: Any = node
        for number, step in enumerate(steps[:-1]):
            if isinstance(here, list) and step.isdigit() and int(step) < len(here):
                here = here[int(step)]
            elif isinstance(here, dict):
                # A label that is one text becomes one of several languages.
                below = here.get(step)
                if isinstance(below, str) and number == len(steps) - 2 and step in _LABELS:
                    below = here[step] = {"en": below}
                here = here.setdefault(step, {}) if below is None else below
            else:
                raise Invalid(Problem("pointer", "/pointer", f"There is no '{step}' here."))
        last = steps[-1]
        if isinstance(here, list) and (last == "-" or (last.isdigit() and int(last) <= len(here))):
            place = len(here) if last == "-" else int(last)
            if value is None:
                del here[place : place + 1]
            elif place == len(here):
                here.append(value)
            else:
                here[place] = value
        elif isinstance(here, dict):
            if value is None:
                here.pop(last, None)
            else:
                here[last] = value
        else:
            raise Invalid(Problem("pointer", "/pointer", f"There is no '{last}' here."))
        return node

    return _with(definitions, _parts(op), change)


_LABELS = frozenset({"label", "label_plural", "description", "help", "message"})


def _rename(definitions: DefinitionSet, op: Operation, base: DefinitionSet) -> DefinitionSet:
    return _with(definitions, _parts(op), lambda node: {**node, "name": op["name"]})


def _move(definitions: DefinitionSet, op: Operation, base: DefinitionSet) -> DefinitionSet:
    parts = _parts(op)
    module = _module(definitions, parts)
    if len(parts) < 4 or parts[-2] not in LISTS:
        raise Invalid(Problem("path", "/path", "Only members of lists are moved; modules have 'order'."))
    if len(parts) == 4 and parts[2] in edit.PARTS and "to" not in op:
        return edit.move_part(definitions, module.name, parts[2], parts[3], op["index"])
    goal = op["to"].strip("/").split("/")[2:] if "to" in op else parts[2:-1]
    if not goal or goal[-1] != parts[-2]:
        raise Invalid(Problem("path", "/to", f"It can only go to another list of {parts[-2]}."))

    def change(tree: dict[str, Any]) -> None:
        nodes = _list(tree, parts[2:-1])
        node = nodes.pop(_index(nodes, parts[-1]))
        there = _walk(tree, goal[:-1]).setdefault(goal[-1], [])
        there.insert(max(0, min(op["index"], len(there))), node)

    return _changed(definitions, module, change)


def _archive(definitions: DefinitionSet, op: Operation, base: DefinitionSet) -> DefinitionSet:
    parts = _node(op)
    used = _in(base, definitions, parts)
    if parts[0] != "module" and not used:
        return _remove(definitions, op, base)
    if parts[0] == "role":
        return edit.remove_role(definitions, parts[1])
    if parts[0] == "automation":
        return edit.remove_automation(definitions, parts[1])
    if parts[0] == "mail_template":
        return edit.remove_mail_template(definitions, parts[1])
    if len(parts) == 2:
        name = _module(definitions, parts).name
        found = edit.remove_module(definitions, name, used=used)
        return found
    if len(parts) == 4 and parts[2] in edit.PARTS:
        return edit.remove_part(definitions, _module(definitions, parts).name, parts[2], parts[3], used=used)
    if not used or not _archivable(parts):
        return _remove(definitions, op, base)
    return _with(definitions, parts, lambda node: {**node, "archived": True})


def _restore(definitions: DefinitionSet, op: Operation, base: DefinitionSet) -> DefinitionSet:
    parts = _node(op)
    if parts[0] == "module" and len(parts) == 2:
        return edit.restore_module(definitions, parts[1])
    if parts[0] == "role":
        return edit.restore_role(definitions, parts[1])

    def change(node: dict[str, Any]) -> dict[str, Any]:
        if not node.get("archived"):
            raise Conflict(Problem("not_archived", "/path", "This is not archived."))
        return {key: value for key, value in node.items() if key not in ("archived", "replaced_by")}

    if len(parts) == 4 and parts[2] in edit.PARTS:
        # The same guards as for a new one: its name may have been given away meanwhile.
        module = _module(definitions, parts)
        there = [n for n in getattr(module, parts[2]) if parts[3] == n.id] or [
            n for n in getattr(module, parts[2]) if parts[3] == n.name and n.archived
        ]
        if not there:
            raise NotFound(Problem("missing", "/path", f"There is no '{parts[3]}' to restore."))
        if not there[0].archived:
            raise Conflict(Problem("not_archived", "/path", "This is not archived."))
        live = {n.name for n in (*module.fields, *module.links) if not n.archived}
        if parts[2] in ("fields", "links") and there[0].name in live:
            message = f"There is a field or link '{there[0].name}' again."
            raise Conflict(Problem("duplicate_name", "/name", message, "Rename that one first."))
        parts = [*parts[:3], there[0].id]
    return _with(definitions, parts, change)


def _remove(definitions: DefinitionSet, op: Operation, base: DefinitionSet) -> DefinitionSet:
    parts = _node(op)
    if len(parts) == 2:
        if parts[0] == "role":
            role = edit.find_role(definitions, parts[1])
            return definitions.having(roles=tuple(r for r in definitions.roles if r.id != role.id))
        if parts[0] == "automation":
            gone = edit.find_automation(definitions, parts[1])
            return definitions.having(automations=tuple(a for a in definitions.automations if a.id != gone.id))
        if parts[0] == "mail_template":
            key = edit.find_mail_template(definitions, parts[1]).id
            return definitions.having(mail_templates=tuple(t for t in definitions.mail_templates if t.id != key))
        return edit.remove_module(definitions, _module(definitions, parts).name, used=False)
    module = _module(definitions, parts)
    if len(parts) == 4 and parts[2] in edit.PARTS:
        return edit.remove_part(definitions, module.name, parts[2], parts[3], used=False)

    def change(tree: dict[str, Any]) -> None:
        nodes = _list(tree, parts[2:-1])
        del nodes[_index(nodes, parts[-1])]

    return _changed(definitions, module, change)


def _retype(definitions: DefinitionSet, op: Operation, base: DefinitionSet) -> DefinitionSet:
    parts = _parts(op)
    if len(parts) != 4 or parts[2] not in ("fields", "links"):
        raise Invalid(Problem("path", "/path", "Only fields have a type.", "Write module/NAME/fields/NAME."))
    settings = dict(op.get("settings") or {})
    if op.get("takes_from") is not None:
        settings["takes_from"] = op["takes_from"]
    return edit.retype_part(definitions, parts[1], parts[3], op["type"], settings)


def _merge_options(definitions: DefinitionSet, op: Operation, base: DefinitionSet) -> DefinitionSet:
    wanted = op["from"] if isinstance(op["from"], list) else [op["from"]]
    key = "stages" if "pipelines" in _parts(op) else "options"

    def change(node: dict[str, Any]) -> dict[str, Any]:
        nodes = node.get(key, [])
        names = [str(one.get("name")) for one in nodes]
        for place, name in (*((f"/from/{n}", one) for n, one in enumerate(wanted)), ("/into", op["into"])):
            if name not in names:
                raise Invalid(
                    Problem("missing", place, f"There is no option '{name}'.", did_you_mean(str(name), names))
                )
        if op["into"] in wanted:
            raise Invalid(Problem("value", "/into", "An option cannot go over into itself."))
        changed = [
            {**one, "archived": True, "replaced_by": op["into"]} if one["name"] in wanted else one for one in nodes
        ]
        return {**node, key: changed}

    return _with(definitions, _parts(op), change)


def _split(definitions: DefinitionSet, op: Operation, base: DefinitionSet) -> DefinitionSet:
    parts = _parts(op)
    if len(parts) != 4 or parts[2] != "fields":
        raise Invalid(Problem("path", "/path", "Only fields are split.", "Write module/NAME/fields/NAME."))
    module = _module(definitions, parts)
    field = module.fields[_index([body(f) for f in module.fields], parts[3])]
    if not isinstance(op["into"], list) or not all(isinstance(one, dict) for one in op["into"]):
        raise Invalid(Problem("type", "/into", "A list of fields is needed."))
    place = module.fields.index(field)
    for number, data in enumerate(op["into"]):
        takes = data.get("takes_from")
        if not isinstance(takes, dict):
            takes = {}
        given = {**data, "takes_from": {**takes, **({} if "expression" in takes else {"field": field.id})}}
        try:
            definitions = edit.add_part(definitions, module.name, "fields", given, place + 1 + number)
        except Invalid as invalid:
            raise Invalid([problem.under(f"/into/{number}") for problem in invalid.problems]) from None
    if op.get("archive", False):
        definitions = edit.remove_part(definitions, module.name, "fields", field.name)
    return definitions


def _combine(definitions: DefinitionSet, op: Operation, base: DefinitionSet) -> DefinitionSet:
    parts = _parts(op)
    if len(parts) != 3 or parts[2] != "fields":
        raise Invalid(Problem("path", "/path", "Write module/NAME/fields."))
    module = _module(definitions, parts)
    data = {**op["data"], "takes_from": {"expression": op["expression"]}}
    definitions = edit.add_part(definitions, module.name, "fields", data)
    gone = op.get("archive") or []
    for name in gone if isinstance(gone, list) else []:
        definitions = edit.remove_part(definitions, module.name, "fields", str(name))
    return definitions


def _definitions(definitions: DefinitionSet, op: Operation, base: DefinitionSet) -> DefinitionSet:
    return edit.replace(definitions, op["data"])


_HANDLERS: dict[str, Callable[[DefinitionSet, Operation, DefinitionSet], DefinitionSet]] = {
    "add": _add, "patch": _patch, "set": _set, "replace": _replace, "rename": _rename, "move": _move,
    "archive": _archive, "restore": _restore, "remove": _remove, "retype": _retype, "merge_options": _merge_options,
    "split": _split, "combine": _combine, "definitions": _definitions,
}  # fmt: skip


# -- paths --------------------------------------------------------------------------------------------------------


def _parts(op: Operation) -> list[str]:
    parts: list[str] = op["path"].strip("/").split("/")
    if parts[0] not in ("module", "role", "automation", "mail_template") or not all(parts) or (parts[0] != "module" and len(parts) > 2):
        raise Invalid(
            Problem("path", "/path", "This is no path to a definition.", "For example module/customers/fields/email.")
        )
    return parts


def _node(op: Operation) -> list[str]:
    """The path of a whole definition: a module, a role, or a member of a list."""
    parts = _parts(op)
    if len(parts) < 2 or (len(parts) > 2 and (len(parts) < 4 or parts[-2] not in LISTS)):
        raise Invalid(
            Problem("path", "/path", "This names no single definition.", "For example module/customers/fields/email.")
        )
    return parts


def _module(definitions: DefinitionSet, parts: list[str]) -> Module:
    if parts[0] != "module" or len(parts) < 2:
        raise Invalid(Problem("path", "/path", "A path to a part of a module is needed."))
    found = definitions.by_id.get(parts[1])
    if found is not None and not found.archived:
        return found
    return edit.find_module(definitions, parts[1])


def _key(node: Mapping[str, Any]) -> str:
    return str(node.get("id") or node.get("name"))


def _index(nodes: list[Any], key: str) -> int:
    tests: tuple[Callable[[Any], bool], ...] = (
        lambda n: _key(n) == key and not n.get("archived"),
        lambda n: n.get("name") == key and not n.get("archived"),
        lambda n: _key(n) == key,
    )
    for test in tests:
        for index, node in enumerate(nodes):
            if test(node):
                return index
    names = [str(node.get("name")) for node in nodes]
    raise NotFound(Problem("missing", "/path", f"There is no '{key}' here.", did_you_mean(key, names)))


def _list(tree: dict[str, Any], parts: list[str]) -> list[Any]:
    found = _walk(tree, parts[:-1]).setdefault(parts[-1], [])
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise Invalid(Problem("path", "/path", f"'{parts[-1]}' is no list."))
    return found


def _walk(tree: dict[str, Any], parts: list[str]) -> dict[str, Any]:
    """The object at the end of a path inside a module."""
    here: Any = tree
    index = 0
    while index < len(parts):
        key = parts[index]
        if key in LISTS and index + 1 < len(parts):
            nodes = here.get(key) or []
            here = nodes[_index(nodes, parts[index + 1])]
            index += 2
        elif key in LISTS:
            raise Invalid(Problem("path", "/path", f"'{key}' is a list; name one of its members."))
        elif key == "layout" or isinstance(here.get(key), dict):
            here = here.setdefault(key, {})
            index += 1
        else:
            raise NotFound(Problem("missing", "/path", f"There is no '{key}' here."))
    found: dict[str, Any] = here
    return found


def _in(base: DefinitionSet, definitions: DefinitionSet, parts: list[str]) -> bool:
    """Whether the node at a path is part of the published set, too."""
    if parts[0] == "role":
        role = next((r for r in definitions.roles if parts[1] in (r.id, r.name)), None)
        return role is not None and any(r.id == role.id for r in base.roles)
    if parts[0] == "automation":
        found = next((a for a in definitions.automations if parts[1] in (a.id, a.name)), None)
        return found is not None and any(a.id == found.id for a in base.automations)
    if parts[0] == "mail_template":
        there = next((t for t in definitions.mail_templates if parts[1] in (t.id, t.name)), None)
        return there is not None and any(t.id == there.id for t in base.mail_templates)
    module = definitions.by_id.get(parts[1]) or definitions.by_name.get(parts[1])
    known = base.by_id.get(module.id) if module is not None else None
    if known is None or module is None:
        return False
    before, now = body(known), body(module)
    for index in range(2, len(parts) - 1, 2):
        if parts[index] == "layout":
            return True
        nodes = now.get(parts[index]) or []
        try:
            now = nodes[_index(nodes, parts[index + 1])]
        except NotFound:
            return False
        same = next((n for n in before.get(parts[index]) or [] if _key(n) == _key(now)), None)
        if same is None:
            return False
        before = same
    return True


def _archivable(parts: list[str]) -> bool:
    return parts[-2] in (
        "options", "stages", "attributes", "reasons", "rules", "views", "guest_pages", "fields", "links",
    )  # fmt: skip


# -- changing -----------------------------------------------------------------------------------------------------


def _with(
    definitions: DefinitionSet, parts: list[str], change: Callable[[dict[str, Any]], dict[str, Any]]
) -> DefinitionSet:
    """The set with one node changed; mentions follow its name, its id stays."""
    if parts[0] == "role":
        role = edit.find_role(definitions, parts[1] if len(parts) > 1 else "")
        return definitions.with_role(read(Role, {**change(body(role)), "id": role.id}))
    if parts[0] == "automation":
        known = edit.find_automation(definitions, parts[1] if len(parts) > 1 else "")
        return definitions.with_automation(read(Automation, {**change(body(known)), "id": known.id}))
    if parts[0] == "mail_template":
        template = edit.find_mail_template(definitions, parts[1] if len(parts) > 1 else "")
        changed_template = read(MailTemplate, {**change(body(template)), "id": template.id})
        return follow_renames(definitions, definitions.with_mail_template(changed_template))
    module = _module(definitions, parts)
    if len(parts) == 2:
        changed = change(body(module))
        return follow_renames(definitions, definitions.with_module(read(Module, {**changed, "id": module.id})))

    def inner(tree: dict[str, Any]) -> None:
        if parts[-1] in LISTS:
            raise Invalid(Problem("path", "/path", f"'{parts[-1]}' is a list; name one of its members."))
        node = _walk(tree, parts[2:])
        found = change(dict(node))
        if "name" in node and found.get("id", _key(node)) != _key(node):
            raise Invalid(Problem("fixed", "/id", "The id of a definition never changes.", "Leave 'id' out."))
        if "name" in node and "name" in found and len(parts) > 3:
            _refuse_twice(tree, parts, node, found)
            found["id"] = _key(node)
        node.clear()
        node.update(found)

    return _changed(definitions, module, inner, parts[2:])


def _refuse_twice(tree: dict[str, Any], parts: list[str], node: dict[str, Any], found: dict[str, Any]) -> None:
    if found["name"] == node["name"] or found.get("archived"):
        return
    others = [other for other in _list(tree, parts[2:-1]) if other is not node and not other.get("archived")]
    if any(other.get("name") == found["name"] for other in others):
        raise Conflict(
            Problem(
                "duplicate_name", "/name", f"There is already one called '{found['name']}'.", "Choose another name."
            )
        )


def _changed(
    definitions: DefinitionSet,
    module: Module,
    change: Callable[[dict[str, Any]], None],
    parts: list[str] | None = None,
    index: int | None = None,
) -> DefinitionSet:
    """The set with a module changed as JSON; problems of the edited node have paths relative to it."""
    tree: dict[str, Any] = body(module)
    change(tree)
    try:
        changed = read(Module, {**tree, "id": module.id})
    except Invalid as invalid:
        here = _pointer(tree, parts, index) if parts else ""
        raise Invalid(
            [Problem(p.code, p.path.removeprefix(here), p.message, p.hint) for p in invalid.problems]
        ) from None
    return follow_renames(definitions, definitions.with_module(changed))


def _pointer(tree: dict[str, Any], parts: list[str], index: int | None) -> str:
    """The JSON pointer of a node inside its module; an empty last part is the new member of a list."""
    found: list[str | int] = []
    here: Any = tree
    for number, part in enumerate(parts):
        if isinstance(here, list):
            place = (len(here) - 1 if index is None else index) if part == "" else _index(here, part)
            found.append(place)
            here = here[place]
        else:
            found.append(part)
            here = here.get(part) if isinstance(here, dict) else None
            if here is None and number < len(parts) - 1:
                break
    return pointer(*found)
