"""Random edits of a set of definitions, as an admin or the author of a pack makes them."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from xrm_core.definitions import edit
from xrm_core.definitions.checks import check
from xrm_core.definitions.collection import DefinitionSet, body
from xrm_core.definitions.module import Module
from xrm_core.kernel.errors import XrmError

Edit = Callable[[DefinitionSet, random.Random, str], DefinitionSet]


def _module(definitions: DefinitionSet, chance: random.Random) -> Module:
    return chance.choice([module for module in definitions.modules if not module.archived])


def _with_fields(definitions: DefinitionSet, chance: random.Random) -> Module:
    return chance.choice([m for m in definitions.modules if not m.archived and any(not f.archived for f in m.fields)])


def _field(definitions: DefinitionSet, chance: random.Random) -> tuple[str, str]:
    module = _with_fields(definitions, chance)
    return module.name, chance.choice([field.name for field in module.fields if not field.archived])


def add_field(definitions: DefinitionSet, chance: random.Random, mark: str) -> DefinitionSet:
    module = _module(definitions, chance)
    kind = chance.choice(["text", "integer", "date", "boolean", "money", "select"])
    data: dict[str, Any] = {"name": f"f_{mark}", "type": kind, "label": f"F {mark}"}
    if kind == "select":
        data["options"] = [{"name": name, "label": name.upper()} for name in ("x", "y", "z")]
    return edit.add_part(definitions, module.name, "fields", data, chance.randrange(len(module.fields) + 1))


def label_field(definitions: DefinitionSet, chance: random.Random, mark: str) -> DefinitionSet:
    module, field = _field(definitions, chance)
    return edit.patch_part(definitions, module, "fields", field, {"label": f"L {mark}"})


def translate_field(definitions: DefinitionSet, chance: random.Random, mark: str) -> DefinitionSet:
    module, field = _field(definitions, chance)
    found = next(f for f in definitions.by_name[module].fields if f.name == field and not f.archived)
    known = found.label if isinstance(found.label, dict) else {"en": found.label}
    texts = {**known, chance.choice(["de", "fr", "es"]): f"T {mark}"}
    return edit.patch_part(definitions, module, "fields", field, {"label": texts})


def help_field(definitions: DefinitionSet, chance: random.Random, mark: str) -> DefinitionSet:
    module, field = _field(definitions, chance)
    return edit.patch_part(definitions, module, "fields", field, {"help": f"H {mark}"})


def index_field(definitions: DefinitionSet, chance: random.Random, mark: str) -> DefinitionSet:
    module, field = _field(definitions, chance)
    return edit.patch_part(definitions, module, "fields", field, {"indexed": True})


def rename_field(definitions: DefinitionSet, chance: random.Random, mark: str) -> DefinitionSet:
    module, field = _field(definitions, chance)
    return edit.patch_part(definitions, module, "fields", field, {"name": f"r_{mark}"})


def archive_field(definitions: DefinitionSet, chance: random.Random, mark: str) -> DefinitionSet:
    return edit.remove_part(definitions, _field(definitions, chance)[0], "fields", _field(definitions, chance)[1])


def remove_field(definitions: DefinitionSet, chance: random.Random, mark: str) -> DefinitionSet:
    module, field = _field(definitions, chance)
    return edit.remove_part(definitions, module, "fields", field, used=False)


def move_field(definitions: DefinitionSet, chance: random.Random, mark: str) -> DefinitionSet:
    module, field = _field(definitions, chance)
    size = len(definitions.by_name[module].fields)
    return edit.move_part(definitions, module, "fields", field, chance.randrange(size))


def retype_field(definitions: DefinitionSet, chance: random.Random, mark: str) -> DefinitionSet:
    module = _with_fields(definitions, chance)
    nodes = [body(field) for field in module.fields]
    number = chance.randrange(len(nodes))
    kept = {key: nodes[number][key] for key in ("id", "name", "label", "archived") if key in nodes[number]}
    nodes[number] = {**kept, "type": chance.choice(["text", "integer", "date", "url"])}
    return definitions.with_module(Module.model_validate({**body(module), "fields": nodes}))


def _select(definitions: DefinitionSet, chance: random.Random) -> tuple[Module, int]:
    found = [
        (module, number)
        for module in definitions.modules
        for number, field in enumerate(module.fields)
        if field.type == "select" and not module.archived
    ]
    return chance.choice(found)


def change_options(definitions: DefinitionSet, chance: random.Random, mark: str) -> DefinitionSet:
    module, number = _select(definitions, chance)
    nodes = [body(field) for field in module.fields]
    options = list(nodes[number]["options"])
    what = chance.choice(["add", "label", "move", "remove", "hue"])
    place = chance.randrange(len(options))
    if what == "add":
        options.insert(place, {"id": f"o_{mark}", "name": f"o_{mark}", "label": f"O {mark}"})
    elif what == "remove" and len(options) > 1:
        del options[place]
    elif what == "move":
        options.insert(chance.randrange(len(options)), options.pop(place))
    elif what == "hue":
        options[place] = {**options[place], "hue": chance.choice(["red", "blue", "green"])}
    else:
        options[place] = {**options[place], "label": f"O {mark}"}
    nodes[number] = {**nodes[number], "options": options}
    return definitions.with_module(Module.model_validate({**body(module), "fields": nodes}))


def change_stages(definitions: DefinitionSet, chance: random.Random, mark: str) -> DefinitionSet:
    module = chance.choice([module for module in definitions.modules if module.pipelines])
    data = body(module)
    stages = list(data["pipelines"][0]["stages"])
    place = chance.randrange(len(stages))
    what = chance.choice(["add", "label", "probability", "move", "remove"])
    if what == "add":
        stages.insert(place, {"id": f"s_{mark}", "name": f"s_{mark}", "label": f"S {mark}"})
    elif what == "remove" and len(stages) > 2:
        del stages[place]
    elif what == "move":
        stages.insert(chance.randrange(len(stages)), stages.pop(place))
    elif what == "probability":
        stages[place] = {**stages[place], "probability": chance.randrange(100)}
    else:
        stages[place] = {**stages[place], "label": f"S {mark}"}
    data["pipelines"] = [{**data["pipelines"][0], "stages": stages}]
    return definitions.with_module(Module.model_validate(data))


def change_layout(definitions: DefinitionSet, chance: random.Random, mark: str) -> DefinitionSet:
    module = _with_fields(definitions, chance)
    data = body(module)
    sections = [dict(section) for section in data.get("layout", {}).get("sections", [])]
    names = [field.name for field in module.fields if not field.archived]
    if not sections or chance.random() < 0.2:
        sections.insert(0, {"id": f"l_{mark}", "name": f"l_{mark}", "label": f"L {mark}"})
    else:
        name = chance.choice(names)
        for section in sections:
            section["fields"] = [other for other in section.get("fields", []) if other != name]
        target = chance.choice(sections)["fields"]
        target.insert(chance.randrange(len(target) + 1), name)
    data["layout"] = {**data.get("layout", {}), "sections": sections}
    return definitions.with_module(Module.model_validate(data))


def change_view(definitions: DefinitionSet, chance: random.Random, mark: str) -> DefinitionSet:
    module = _with_fields(definitions, chance)
    if not module.views or chance.random() < 0.3:
        return edit.add_part(definitions, module.name, "views", {"name": f"v_{mark}", "label": f"V {mark}"})
    view = chance.choice(module.views)
    if chance.random() < 0.5:
        return edit.patch_part(definitions, module.name, "views", view.name, {"label": f"V {mark}"})
    names = [field.name for field in module.fields if not field.archived]
    columns = chance.sample(names, chance.randrange(1, len(names) + 1))
    return edit.patch_part(definitions, module.name, "views", view.name, {"columns": columns})


def change_role(definitions: DefinitionSet, chance: random.Random, mark: str) -> DefinitionSet:
    if not definitions.roles or chance.random() < 0.2:
        return edit.add_role(definitions, {"name": f"g_{mark}", "label": f"G {mark}"})
    module = _module(definitions, chance).name
    role = chance.choice(definitions.roles).name
    grants = {"see": chance.choice(["all", "team", "own"]), "export": chance.random() < 0.5}
    return edit.patch_role(definitions, role, {"modules": {module: grants}})


def change_module(definitions: DefinitionSet, chance: random.Random, mark: str) -> DefinitionSet:
    changes: dict[str, Any] = chance.choice(
        [{"label": f"M {mark}"}, {"icon": f"i-{len(mark)}"}, {"order": chance.randrange(1000)}, {"hue": "red"}]
    )
    return edit.patch_module(definitions, _module(definitions, chance).name, changes)


def add_module(definitions: DefinitionSet, chance: random.Random, mark: str) -> DefinitionSet:
    link = {
        "name": "to",
        "label": "To",
        "to": [_module(definitions, chance).name],
        "inverse": {"name": f"from_{mark}", "label": "From"},
    }
    data = {"name": f"m_{mark}", "label": "M", "label_plural": "Ms", "title": "{{ id }}", "links": [link]}
    return edit.add_module(definitions, data)


def rename_module(definitions: DefinitionSet, chance: random.Random, mark: str) -> DefinitionSet:
    return edit.patch_module(definitions, _module(definitions, chance).name, {"name": f"n_{mark}"})


def archive_module(definitions: DefinitionSet, chance: random.Random, mark: str) -> DefinitionSet:
    return edit.remove_module(definitions, _module(definitions, chance).name)


RENAMES: tuple[Edit, ...] = (rename_field, rename_module)
OTHERS: tuple[Edit, ...] = (
    add_field,
    label_field,
    translate_field,
    help_field,
    index_field,
    archive_field,
    remove_field,
    move_field,
    retype_field,
    change_options,
    change_stages,
    change_layout,
    change_view,
    change_role,
    change_module,
    add_module,
    archive_module,
)


def edited(
    definitions: DefinitionSet, seed: int, count: int, mark: str, edits: tuple[Edit, ...] = OTHERS + RENAMES
) -> DefinitionSet:
    """The set after so many random edits that leave it free of problems."""
    chance = random.Random(seed)
    done = 0
    for step in range(count * 4):
        try:
            changed = chance.choice(edits)(definitions, chance, f"{mark}{step}")
        except (XrmError, IndexError):
            continue
        if not check(changed):
            definitions, done = changed, done + 1
        if done == count:
            break
    return definitions
