"""From small requests to wanted sets of definitions: add, change or retire one module or one part of it; pure."""

from __future__ import annotations

from typing import Any

from xrm_core.definitions import DefinitionSet, Module
from xrm_core.definitions.collection import body
from xrm_core.definitions.names import did_you_mean
from xrm_core.definitions.reading import read
from xrm_core.kernel.errors import Conflict, Invalid, NotFound
from xrm_core.kernel.problem import Problem, pointer

_ONE = {"fields": "field", "links": "link", "pipelines": "pipeline"}


def module_in(definitions: DefinitionSet, name: str) -> Module:
    """The module of that name, retired or not; raises NotFound."""
    found = definitions.module(name)
    if found is None:
        hint = did_you_mean(name, [module.name for module in definitions.modules])
        raise NotFound(Problem("unknown_module", "", f"There is no module {name[:60]!r}.", hint))
    return found


def with_new_module(old: DefinitionSet, given: dict[str, Any]) -> DefinitionSet:
    """The set with one more module; a retired one of that name must be brought back by changing it."""
    module: Module = read(Module, given)
    taken = old.module(module.name) or old.by_id.get(module.id)
    if taken is not None:
        hint = 'It is retired: PATCH it with {"archived": false} to bring it back.' if taken.archived else ""
        raise Conflict(Problem("taken", "/name", f"There is a module {module.name!r} already.", hint))
    return old.with_module(module)


def patched_module(old: DefinitionSet, name: str, given: dict[str, Any]) -> DefinitionSet:
    """The set with some settings of a module changed."""
    module = module_in(old, name)
    return _with(old, module, _merged(body(module), given, module.id))


def retired_module(old: DefinitionSet, name: str) -> DefinitionSet:
    """The set with a module retired."""
    module = module_in(old, name)
    return _with(old, module, {**body(module), "id": module.id, "archived": True})


def added(old: DefinitionSet, name: str, part: str, given: dict[str, Any]) -> DefinitionSet:
    """The set with one more field, link or pipeline in a module."""
    module = module_in(old, name)
    plain = {**body(module), "id": module.id}
    parts = list(plain.get(part, []))
    wanted = given.get("name")
    for known in parts:
        if wanted in (known["name"], known.get("id")):
            hint = 'It is retired: PATCH it with {"archived": false}.' if known.get("archived") else ""
            raise Conflict(Problem("taken", "/name", f"{name} has a {_ONE[part]} {wanted!r} already.", hint))
    return _with(old, module, {**plain, part: [*parts, given]}, (part, len(parts)))


def patched_part(old: DefinitionSet, name: str, part: str, which: str, given: dict[str, Any]) -> DefinitionSet:
    """The set with settings of one field, link or pipeline changed; a new name is a rename, data stays with it."""
    module = module_in(old, name)
    plain = {**body(module), "id": module.id}
    index = _index(plain, name, part, which)
    parts = list(plain[part])
    known = parts[index]
    parts[index] = _merged(known, given, known.get("id") or known["name"])
    return _with(old, module, {**plain, part: parts}, (part, index))


def retired_part(old: DefinitionSet, name: str, part: str, which: str) -> DefinitionSet:
    """The set with one field or link retired, or a pipeline taken out; values stay."""
    module = module_in(old, name)
    plain = {**body(module), "id": module.id}
    index = _index(plain, name, part, which)
    parts = list(plain[part])
    if part == "pipelines":
        del parts[index]
    else:
        parts[index] = {**parts[index], "archived": True}
    return _with(old, module, {**plain, part: parts})


def wanted_set(old: DefinitionSet, given: dict[str, Any]) -> DefinitionSet:
    """The set of a request: `definitions` by kind and id, and whether they replace all others."""
    known = ("definitions", "replace", "base_version")
    problems = [
        Problem("unknown_key", pointer(key), f"There is no {key!r} here.", f"Known: {', '.join(known)}.")
        for key in given
        if key not in known
    ]
    definitions = given.get("definitions")
    if not isinstance(definitions, dict):
        hint = 'Such as {"definitions": {"module/tickets": {"name": "tickets", ...}}}.'
        problems.append(
            Problem("type", "/definitions", "'definitions' is an object of definitions by kind and name.", hint)
        )
    if not isinstance(given.get("replace", False), bool):
        problems.append(Problem("type", "/replace", "'replace' is true or false."))
    if problems:
        raise Invalid(problems)
    assert isinstance(definitions, dict)
    plain = {} if given.get("replace") else dict(old.as_json())
    for key, value in definitions.items():
        if value is None:
            plain.pop(key, None)
        else:
            plain[key] = value
    try:
        found = DefinitionSet.from_json(plain, origins=old.origins, packs=old.packs)
    except Invalid as error:
        raise Invalid([problem.under("/definitions") for problem in error.problems]) from None
    kept = {key: pack for key, pack in old.origins.items() if key in found.as_json()}
    return found.having(origins=kept)


def _index(plain: dict[str, Any], name: str, part: str, which: str) -> int:
    parts = plain.get(part, [])
    for index, known in enumerate(parts):
        if which == known["name"]:
            return index
    hint = did_you_mean(which, [known["name"] for known in parts])
    raise NotFound(Problem("unknown_part", "", f"{name} has no {_ONE[part]} {which[:60]!r}.", hint))


def _merged(known: dict[str, Any], given: dict[str, Any], identity: str) -> dict[str, Any]:
    if "id" in given and given["id"] != identity:
        raise Invalid(Problem("id", "/id", "The id of a definition stays as it is.", "To rename it, change its name."))
    merged = {**known, **given, "id": identity}
    return {key: value for key, value in merged.items() if value is not None}


def _with(
    old: DefinitionSet, module: Module, plain: dict[str, Any], place: tuple[str, int] | None = None
) -> DefinitionSet:
    try:
        return old.with_module(read(Module, plain))
    except Invalid as error:
        # Seen from what was sent: the part alone, without the module around it.
        prefix = "" if place is None else f"/{place[0]}/{place[1]}"
        raise Invalid(
            [
                Problem(one.code, one.path[len(prefix) :], one.message, one.hint)
                if prefix and one.path.startswith(prefix)
                else one
                for one in error.problems
            ]
        ) from None
