"""How a pack is laid out: which folder holds which kind of file."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from xrm_core.definitions.automation import Automation
from xrm_core.definitions.collection import DefinitionSet
from xrm_core.definitions.extension import Extension
from xrm_core.definitions.mail_template import MailTemplate
from xrm_core.definitions.module import Module
from xrm_core.definitions.pack import Pack
from xrm_core.definitions.pack_contents import PackDefinition, composed
from xrm_core.definitions.pack_migration import PackMigration
from xrm_core.definitions.pack_scenario import PackScenario
from xrm_core.definitions.role import Role
from xrm_core.kernel.problem import Problem
from xrm_core.packs.files import place

MANIFEST = "pack.json"
DEFINITION_FOLDERS = {
    "modules": "module",
    "views": "view",
    "roles": "role",
    "automations": "automation",
    "mail_templates": "mail_template",
    "extensions": "extension",
    "migrations": "migration",
    "scenarios": "scenario",
}
"""Folders with one definition per JSON file, and the kind of it."""

DATA_FOLDER = "sample_data"
OTHER_FOLDERS = frozenset({DATA_FOLDER, "docs", "screenshots", "messages", "emails"})
OTHER_FILES = frozenset({"README.md", "CHANGELOG.md", "LICENSE", "icon.svg"})


@dataclass(frozen=True)
class PackContents:
    """What a pack brings."""

    root: Path
    manifest: Pack
    modules: tuple[Module, ...] = ()
    roles: tuple[Role, ...] = ()
    automations: tuple[Automation, ...] = ()
    mail_templates: tuple[MailTemplate, ...] = ()
    extensions: tuple[Extension, ...] = ()
    migrations: tuple[PackMigration, ...] = ()
    scenarios: tuple[PackScenario, ...] = ()
    sample_data: dict[str, Path] = field(default_factory=dict)
    """CSV file per module name."""
    files: dict[str, str] = field(default_factory=dict)
    """The file that each definition came from: "module/customers", "view/customers/all"."""

    @property
    def name(self) -> str:
        return self.manifest.name

    @property
    def version(self) -> str:
        return self.manifest.version

    @cached_property
    def definition(self) -> PackDefinition:
        """The pack as data alone, without its files."""
        return PackDefinition(
            manifest=self.manifest,
            modules=self.modules,
            roles=self.roles,
            automations=self.automations,
            mail_templates=self.mail_templates,
            extensions=self.extensions,
            migrations=self.migrations,
        )

    @cached_property
    def screenshots(self) -> dict[str, Path]:
        """The pictures of the pack by file name: PNG only, which browsers show and never run."""
        folder = self.root / "screenshots"
        found = sorted(folder.glob("*.png")) if folder.is_dir() else []
        return {path.name: path for path in found if path.is_file() and not path.is_symlink()}

    def as_set(self) -> DefinitionSet:
        """The pack alone as a set of definitions."""
        return composed([self.definition])

    def located(self, problem: Problem) -> Problem:
        """A problem of the set, with the file in front of its place."""
        parts = problem.path.split("/")
        if len(parts) < 3 or parts[1] not in ("modules", "roles", "automations", "mail_templates"):
            return problem
        kind, name = parts[1][:-1], parts[2].replace("~1", "/").replace("~0", "~")
        pointer = "/" + "/".join(parts[3:]) if len(parts) > 3 else ""
        if kind == "module" and len(parts) > 4 and parts[3] == "views" and parts[4].isdigit():
            module = next((m for m in self.modules if m.name == name), None)
            views = module.views if module is not None else ()
            if int(parts[4]) < len(views):
                own = self.files.get(f"view/{name}/{views[int(parts[4])].name}")
                if own is not None:
                    inner = "/" + "/".join(parts[5:]) if len(parts) > 5 else ""
                    return Problem(problem.code, place(own, inner), problem.message, problem.hint)
        file = self.files.get(f"{kind}/{name}") or self.files.get(f"extension/{name}")
        return (
            Problem(problem.code, place(file, pointer), problem.message, problem.hint) if file is not None else problem
        )
