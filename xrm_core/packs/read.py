"""Reading a pack folder: what is in it, or every problem with file and place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from xrm_core.definitions.automation import Automation
from xrm_core.definitions.extension import Extension
from xrm_core.definitions.mail_template import MailTemplate
from xrm_core.definitions.module import Module
from xrm_core.definitions.names import did_you_mean
from xrm_core.definitions.pack import Pack
from xrm_core.definitions.pack_migration import PackMigration
from xrm_core.definitions.pack_scenario import PackScenario
from xrm_core.definitions.reading import read
from xrm_core.definitions.role import Role
from xrm_core.definitions.view import View
from xrm_core.kernel.errors import Invalid
from xrm_core.kernel.problem import Problem
from xrm_core.packs.files import PackFile, find_files, place, read_json
from xrm_core.packs.layout import DATA_FOLDER, DEFINITION_FOLDERS, MANIFEST, OTHER_FILES, OTHER_FOLDERS, PackContents
from xrm_core.packs.versions import version_of

_MODELS: dict[str, Any] = {
    "modules": Module,
    "views": View,
    "roles": Role,
    "automations": Automation,
    "mail_templates": MailTemplate,
    "extensions": Extension,
    "migrations": PackMigration,
    "scenarios": PackScenario,
}


def read_pack(root: Path) -> tuple[PackContents | None, list[Problem]]:
    """The contents of a pack folder; None when it cannot be read at all, and in any case all problems found so far."""
    if not root.is_dir():
        return None, [
            Problem("missing", str(root), "There is no such folder.", "Name the folder that holds pack.json.")
        ]
    files, problems = find_files(root)
    manifest_file = next((file for file in files if file.path == MANIFEST), None)
    if manifest_file is None:
        return None, [
            *problems,
            Problem("missing", MANIFEST, "The pack has no pack.json.", "`xrm pack new` makes a pack to start from."),
        ]
    manifest, found = _definition(manifest_file, Pack)
    problems += found
    definitions: dict[str, list[tuple[PackFile, Any]]] = {folder: [] for folder in DEFINITION_FOLDERS}
    sample_data: dict[str, Path] = {}
    for file in files:
        folder = file.folder.split("/")[0]
        if file.path == MANIFEST or (not file.folder and file.path in OTHER_FILES):
            continue
        if file.folder in DEFINITION_FOLDERS:
            if not file.path.endswith(".json"):
                problems.append(
                    Problem(
                        "unknown_file",
                        file.path,
                        f"The folder {file.folder} holds JSON files only.",
                        "Remove the file.",
                    )
                )
                continue
            node, found = _definition(file, _MODELS[file.folder])
            problems += found
            if node is not None:
                definitions[file.folder].append((file, node))
        elif file.folder == DATA_FOLDER and file.path.endswith(".csv"):
            sample_data[file.stem] = file.absolute
        elif folder not in OTHER_FOLDERS:
            known = [*DEFINITION_FOLDERS, *OTHER_FOLDERS]
            problems.append(
                Problem(
                    "unknown_file",
                    file.path,
                    "A pack has no place for this file.",
                    did_you_mean(folder or file.path, known),
                )
            )
    if manifest is None:
        return None, problems
    names = {f"module/{node.name}": file.path for file, node in definitions["modules"]}
    names |= {f"role/{node.name}": file.path for file, node in definitions["roles"]}
    names |= {f"automation/{node.name}": file.path for file, node in definitions["automations"]}
    names |= {f"mail_template/{node.name}": file.path for file, node in definitions["mail_templates"]}
    names |= {f"extension/{node.module}": file.path for file, node in definitions["extensions"]}
    modules = [node for _, node in definitions["modules"]]
    problems += _place_views(modules, definitions["views"], names)
    contents = PackContents(
        root,
        manifest,
        tuple(sorted(modules, key=lambda module: (module.order, module.name))),
        tuple(node for _, node in definitions["roles"]),
        tuple(node for _, node in definitions["automations"]),
        tuple(node for _, node in definitions["mail_templates"]),
        tuple(node for _, node in definitions["extensions"]),
        tuple(sorted((node for _, node in definitions["migrations"]), key=lambda one: version_of(one.version))),
        tuple(node for _, node in definitions["scenarios"]),
        sample_data,
        names,
    )
    return contents, problems


def _definition(file: PackFile, model: Any) -> tuple[Any, list[Problem]]:
    data, problems = read_json(file)
    if problems:
        return None, problems
    if not isinstance(data, dict):
        return None, [Problem("type", file.path, "The file holds no JSON object.", "A definition is written { … }.")]
    try:
        return read(model, data), []
    except Invalid as invalid:
        return None, [Problem(p.code, place(file.path, p.path), p.message, p.hint) for p in invalid.problems]


def _place_views(modules: list[Module], views: list[tuple[PackFile, View]], names: dict[str, str]) -> list[Problem]:
    """Put views that stand in files of their own into their modules."""
    problems: list[Problem] = []
    for file, view in views:
        index = next((i for i, module in enumerate(modules) if module.name == view.module), None)
        if view.module is None:
            problems.append(
                Problem(
                    "required",
                    place(file.path, "/module"),
                    "A view in a file of its own names its module.",
                    'Add "module".',
                )
            )
        elif index is None:
            hint = did_you_mean(view.module, [module.name for module in modules])
            problems.append(
                Problem("missing", place(file.path, "/module"), f"The pack has no module '{view.module}'.", hint)
            )
        else:
            own = view.model_copy(update={"module": None})
            modules[index] = modules[index].model_copy(update={"views": (*modules[index].views, own)})
            names[f"view/{view.module}/{view.name}"] = file.path
    return problems
