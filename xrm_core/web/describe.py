"""From definitions to view models: modules, columns and options as an actor may see them, in one language."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from xrm_core.expressions.types import Type
from xrm_core.fields import Field
from xrm_core.fields.capabilities import Computed, HoldsOptions
from xrm_core.kernel.kinds import Kind
from xrm_core.kernel.labels import Label, label_text
from xrm_core.storage.model import CompiledField, CompiledInverse, CompiledLink, CompiledModule
from xrm_core.web.pages import ColumnView, ModuleView, OptionView
from xrm_core.web.services import Visit

KIND_TYPES: Mapping[Kind, str] = {
    Kind.TEXT: "text",
    Kind.INTEGER: "integer",
    Kind.DECIMAL: "decimal",
    Kind.BOOLEAN: "boolean",
    Kind.DATE: "date",
    Kind.INSTANT: "instant",
    Kind.DURATION: "duration",
    Kind.MONEY: "money",
    Kind.RATE: "money_rate",
}
"""How a computed value is shown when its definition does not say."""
SYSTEM_TYPES: Mapping[str, tuple[str, str]] = {
    "id": ("Id", "text"),
    "title": ("Name", "title"),
    "created_at": ("Created", "instant"),
    "created_by": ("Created by", "user"),
    "updated_at": ("Changed", "instant"),
    "updated_by": ("Changed by", "user"),
    "archived_at": ("Archived", "instant"),
    "owner": ("Owner", "user"),
    "stage": ("Stage", "stage"),
    "stage_entered_at": ("In stage since", "instant"),
}
SHOWN_SETTINGS = ("scale", "max", "currency")
MOST_KEPT = 5_000
UNSORTABLE = frozenset({"multi_select", "file", "json", "links", "long_text", "rich_text", "any"})
HUES = ("blue", "violet", "teal", "amber", "pink", "cyan", "green", "orange", "indigo", "lime")


class Describer:
    """Describes the modules of a visit; names what the actor may not see as if it did not exist."""

    def __init__(self, visit: Visit) -> None:
        self.visit = visit
        self.unit = visit.unit
        self.locale = visit.locale

    def text(self, label: Label | None) -> str:
        """A label in the visitor's language."""
        return label_text(label, self.locale) if label is not None else ""

    def modules(self) -> list[CompiledModule]:
        """The modules of the navigation, in order."""
        found = [m for m in self.unit.catalog.modules.values() if m.definition.kind == "main" and self.sees(m)]
        return sorted(found, key=lambda m: (m.definition.order, self.text(m.definition.label_plural)))

    def sees(self, module: CompiledModule) -> bool:
        """Whether the actor may see records of the module at all."""
        return self.unit.policy.allows(module.id, "see")

    def module(self, module: CompiledModule) -> ModuleView:
        """The module as pages name it."""
        definition = module.definition
        creates = self.unit.policy.allows(module.id, "create")
        hue = definition.hue or HUES[sum(module.id.encode()) % len(HUES)]
        url = f"/m/{module.name}"
        return ModuleView(
            module.name,
            self.text(definition.label),
            self.text(definition.label_plural),
            definition.icon,
            url,
            hue,
            f"{url}/new" if creates else None,
        )

    def hidden(self, module: CompiledModule) -> frozenset[str]:
        """Ids of fields and links that do not exist for the actor."""
        return self.unit.policy.module(module.id).hidden

    def stages(self, module: CompiledModule) -> dict[str, OptionView]:
        """The stages of the module by name."""
        hues = {"won": "green", "lost": "red", "closed": "gray", "hold": "amber", "open": "blue"}
        return {
            stage.name: OptionView(
                stage.name, self.text(stage.label), stage.hue or hues[stage.category], stage.archived
            )
            for stage in module.stages.values()
        }

    def options(self, field: Field) -> dict[str, OptionView]:
        """The options of a field by name."""
        if not isinstance(field, HoldsOptions):
            return {}
        return {
            option.name: OptionView(option.name, self.text(option.label), option.hue or "gray", option.archived)
            for option in field.options
        }

    # -- columns ------------------------------------------------------------------------------------------------------

    def column(self, module: CompiledModule, path: str) -> ColumnView | None:
        """The column of a field, link or system field, also behind many-to-one links; None if there is none.

        Kept with the module, whose version of the definitions it belongs to.
        """
        known: dict[Any, ColumnView | None] = module.memo.setdefault("column views", {})
        key = (self.locale, self.unit.policy.key, path)
        if key not in known:
            if len(known) >= MOST_KEPT:
                known.clear()
            known[key] = self._column(module, path)
        return known[key]

    def _column(self, module: CompiledModule, path: str) -> ColumnView | None:
        head, _, rest = path.partition(".")
        if rest:
            link = module.links.get(head)
            if link is None or link.many or link.polymorphic or link.id in self.hidden(module):
                return None
            target = self.unit.catalog.modules[link.targets[0]]
            inner = self.column(target, rest) if self.sees(target) else None
            if inner is None:
                return None
            label = (
                f"{self.text(link.definition.label)}: {inner.label}"
                if rest != "title"
                else self.text(link.definition.label)
            )
            return ColumnView(path, label, inner.type, inner.options, inner.settings, inner.type not in UNSORTABLE)
        found = module.fields.get(head)
        if found is not None:
            return self.field(module, found) if found.id not in self.hidden(module) else None
        link = module.links.get(head)
        if link is not None:
            return self.link(module, link)
        return self.system(module, head)

    def system(self, module: CompiledModule, name: str) -> ColumnView | None:
        """The column of a system field."""
        known = SYSTEM_TYPES.get(name)
        if known is None or (name.startswith("stage") and module.pipeline is None):
            return None
        label = self.text(module.pipeline.label) if name == "stage" and module.pipeline else ""
        label = label if label and label != "Stage" else self.visit.t(known[0])
        if name == "title":
            label = self.text(module.definition.label)
        return ColumnView(name, label, known[1], self.stages(module) if name == "stage" else {}, sortable=True)

    def link(self, module: CompiledModule, link: CompiledLink) -> ColumnView | None:
        """The column of a link; None if the actor may not see it or its targets."""
        targets = [self.unit.catalog.modules[target] for target in link.targets]
        if link.id in self.hidden(module) or not any(self.sees(target) for target in targets):
            return None
        kind = "links" if link.many else "link"
        return ColumnView(
            link.name, self.text(link.definition.label), kind, sortable=not link.many and not link.polymorphic
        )

    def field(self, module: CompiledModule, field: CompiledField) -> ColumnView:
        """The column of a field."""
        kind, shown = self.shown(module, field)
        settings = {name: getattr(shown, name) for name in SHOWN_SETTINGS if getattr(shown, name, None) is not None}
        label = self.text(field.definition.label)
        return ColumnView(
            field.name, label, kind, self.options(shown), settings, kind not in UNSORTABLE and not field.beside
        )

    def shown(self, module: CompiledModule, field: CompiledField) -> tuple[str, Field]:
        """The type a field is shown as, and the field whose settings count: for computed fields what they result in."""
        definition = field.definition
        if not isinstance(definition, Computed):
            return definition.type, definition
        result = definition.result_field()
        if result is not None:
            return result.type, result
        origin = self._origin(module, definition)
        if origin is not None:
            return origin
        found: Type = self.unit.catalog.scopes.type_of(module.definition, definition)
        return KIND_TYPES.get(found.kind, "any") if found.kind is not None else "any", definition

    def _origin(self, module: CompiledModule, definition: Field) -> tuple[str, Field] | None:
        """For a value fetched unchanged from related records: the field it comes from."""
        path, name = getattr(definition, "link", None), getattr(definition, "field", None)
        if not isinstance(path, str) or not isinstance(name, str):
            return None
        if getattr(definition, "function", "latest") not in ("min", "max", "sum", "latest"):
            return None
        at = module
        for step in path.split("."):
            link: CompiledLink | CompiledInverse | None = at.links.get(step) or at.inverses.get(step)
            if link is None or (isinstance(link, CompiledLink) and link.polymorphic):
                return None
            at = self.unit.catalog.modules[link.module_id if isinstance(link, CompiledInverse) else link.targets[0]]
        origin = at.fields.get(name)
        if origin is None or origin.id in self.hidden(at):
            return None
        return self.shown(at, origin)

    def columns(self, module: CompiledModule, paths: Iterable[str]) -> list[ColumnView]:
        """The columns that exist of these, each once."""
        found = {path: self.column(module, path) for path in dict.fromkeys(paths)}
        return [column for column in found.values() if column is not None]

    def default_paths(self, module: CompiledModule, most: int = 8) -> list[str]:
        """Columns for a module that has no view: title, stage, what matters, owner."""
        view = next((view for view in module.definition.views if view.columns and not view.archived), None)
        if view is not None:
            return list(view.columns)[:most]
        facts = [name for name in module.definition.layout.facts]
        fields = [field.name for field in module.fields.values() if not field.beside and not field.computed]
        links = [link.name for link in module.links.values() if not link.many]
        stage = ["stage"] if module.pipeline else []
        return list(dict.fromkeys(["title", *stage, *facts, *links[:2], *fields]))[: most - 1] + ["updated_at"]

    def list_columns(self, module: CompiledModule, paths: Iterable[str]) -> tuple[ColumnView, ...]:
        """The columns of a list: the first one names the record, so it is the title or a plain text."""
        found = self.columns(module, paths)
        title = self.system(module, "title")
        assert title is not None
        named = next((i for i, column in enumerate(found) if column.key == "title"), None)
        if named is not None:
            return (found[named], *found[:named], *found[named + 1 :])
        if (
            found
            and found[0].type in {"text", "person_name"}
            and f"{{{{ {found[0].key} }}}}" == module.definition.title.strip()
        ):
            return tuple(found)
        # A list whose first column says less than the title gets the title in front of it.
        plain = module.definition.title.strip()
        return (title, *(column for column in found if plain != f"{{{{ {column.key} }}}}"))


def wanted_fields(columns: Iterable[ColumnView]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What a query must fetch for these columns: (fields, links to expand)."""
    keys = [column.key for column in columns]
    fields = tuple(dict.fromkeys(["title", "version", "archived_at", *(key.partition(".")[0] for key in keys)]))
    # The title of a linked record comes with the link.
    behind = [
        key.rpartition(".")[0] for key in keys if "." in key and not (key.count(".") == 1 and key.endswith(".title"))
    ]
    return fields, tuple(dict.fromkeys(behind))


def as_dicts(rows: Iterable[bytes], loads: Any) -> list[dict[str, Any]]:
    """Rows of the engine as records."""
    return [loads(row) for row in rows]
