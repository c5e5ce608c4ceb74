"""The designer's pages: modules, fields, links, stages, rules and views as a person's draft has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import orjson
from litestar import Response, get
from pydantic import BaseModel

from xrm_core.access.policy import policy_of
from xrm_core.catalog import Catalog
from xrm_core.definitions.collection import DefinitionSet, body
from xrm_core.definitions.edit import find_module
from xrm_core.definitions.layout import Layout, Section, Variant
from xrm_core.definitions.link import Link
from xrm_core.definitions.module import Module
from xrm_core.definitions.pipeline import Stage
from xrm_core.definitions.rule import DuplicateRule, UniqueRule, ValidationRule
from xrm_core.definitions.uses import located, place_of, uses
from xrm_core.definitions.view import View
from xrm_core.fields import FIELD_TYPES
from xrm_core.kernel.errors import XrmError
from xrm_core.kernel.labels import label_text
from xrm_core.publishing.drafts import Draft, Drafts
from xrm_core.storage.model import CompiledLink
from xrm_core.web.describe import HUES
from xrm_core.web.design_inputs import inputs, shown_label
from xrm_core.web.design_layouts import groups as layout_groups
from xrm_core.web.design_layouts import pipeline_choices, role_choices, variant_of
from xrm_core.web.forms import Filling, FormBuilder
from xrm_core.web.frame import html, page, shell
from xrm_core.web.pages import FieldWidget, FormSection, ModuleView, Shell, TabView
from xrm_core.web.render import environment
from xrm_core.web.services import Req, Visit, services_of, visit
from xrm_core.web.views_design import DesignModule, DesignModules, DraftBar, Group, Kind, Panel, Part

TABS = ("fields", "stages", "links", "rules", "layouts", "views", "general", "json")
ELSEWHERE = ("fields", "links", "pipelines", "rules", "views", "layout", "panels")
"""Settings of a module that have tabs of their own, or are left to the JSON tab."""
RULES: Mapping[str, type[BaseModel]] = {"validation": ValidationRule, "unique": UniqueRule, "duplicate": DuplicateRule}
TYPES: Mapping[str, Any] = {known.model_fields["type"].default: known for known in FIELD_TYPES}
ICONS = {
    "text": "scroll-text", "long_text": "file-text", "rich_text": "notebook-pen", "integer": "hash", "decimal": "hash",
    "percent": "percent", "money": "coins", "money_rate": "hand-coins", "boolean": "square-check", "date": "calendar",
    "datetime": "calendar-clock", "duration": "timer", "date_range": "calendar-days", "select": "list", "multi_select": "tags",
    "email": "at-sign", "phone": "phone", "url": "link", "address": "map-pin", "person_name": "contact", "user": "user",
    "file": "paperclip", "rating": "star", "auto_number": "ticket", "json": "database", "formula": "sigma",
    "rollup": "chart-column", "lookup": "eye",
}  # fmt: skip


def at_once(name: str) -> bool:
    """Whether a field of this type can be added before anything is set."""
    return name == "select" or set(TYPES[name].model_json_schema(by_alias=True).get("required", ())) <= {"name", "label"}


def drafts_of(here: Visit) -> Drafts:
    """The draft of the visitor."""
    return Drafts(services_of(here.request).units, here.caller.workspace, here.caller.actor)


@get("/design")
async def design_modules(request: Req) -> Response[bytes]:
    """All modules."""
    async with visit(request) as here:
        here.unit.policy.require_design()
        return page(here, modules_view(here, await drafts_of(here).get()), frame(here))


@get("/design/{module:str}")
async def design_module(request: Req) -> Response[bytes]:
    """One module; `tab`, `node` and `new` say what of it."""
    async with visit(request) as here:
        here.unit.policy.require_design()
        draft = await drafts_of(here).get()
        given = {name: str(value) for name, value in request.query_params.items()}
        view = await module_view(here, draft, request.path_params["module"], given)
        if request.headers.get("hx-request") == "true":
            return html(fragment(view, frame(here)), here.nonce)
        return page(here, view, frame(here, view.module.label_plural))


def frame(here: Visit, title: str = "") -> Shell:
    """The frame of the designer's pages."""
    return shell(here, f"{title} · {here.t('Design')}" if title else here.t("Design"), module="design")


def fragment(view: DesignModule, around: Shell) -> str:
    """The inside of the designer, for its scripts."""
    return environment(around.locale).get_template("fragments/design_module.html.jinja").render(page=view, shell=around)


# -- view models ----------------------------------------------------------------------------------------------------------


def bar(here: Visit, draft: Draft) -> DraftBar:
    """What the draft holds."""
    problems = []
    for problem in draft.problems()[:50]:
        node, setting = place_of(draft.wanted, problem.path)
        text = f"{problem.message} {problem.hint}".strip()
        problems.append((f"{node}/{setting}".strip("/") or problem.path, text))
    behind = tuple(
        here.t("{who} published version {number}: {summary}", who=one["author"].get("name") or "?", number=one["number"], summary=one["summary"])
        for one in draft.since
    )
    others = tuple(
        here.t("{who} has a draft with {count} changes", who=_person(here, one["member"]), count=one["operations"])
        for one in draft.others
    )
    undo, redo = len(draft.operations), len(draft.stored.undone) if draft.stored is not None else 0
    return DraftBar(draft.version, len(draft.changes()), bool(undo), bool(redo), tuple(problems), behind, others)


def _person(here: Visit, member: str) -> str:
    known = here.users.get(member)
    return known.name if known is not None else member


def modules_view(here: Visit, draft: Draft, error: str = "", typed: Mapping[str, str] | None = None) -> DesignModules:
    """All modules as the draft has them."""
    rows = []
    for module in sorted(draft.wanted.modules, key=lambda one: (one.kind != "main", one.order, one.plural(here.locale))):
        if module.archived:
            continue
        fields = sum(not field.archived for field in module.fields)
        links = sum(not link.archived for link in module.links)
        has = here.t("{fields} fields, {links} links", fields=fields, links=links)
        rows.append((_module(here, module), has, _state(here, draft, module), f"/design/{module.id}"))
    archived = tuple((module.id, module.plural(here.locale)) for module in draft.wanted.modules if module.archived)
    return DesignModules(bar(here, draft), tuple(rows), archived, error, typed)


def _module(here: Visit, module: Module) -> ModuleView:
    hue = module.hue or HUES[sum(module.id.encode()) % len(HUES)]
    return ModuleView(module.name, module.text(here.locale), module.plural(here.locale), module.icon, f"/m/{module.name}", hue, None)


def _state(here: Visit, draft: Draft, module: Module) -> str:
    known = draft.base.by_id.get(module.id)
    return here.t("new") if known is None else "" if known == module else here.t("changed")


async def module_view(here: Visit, draft: Draft, name: str, given: Mapping[str, str], error: str = "") -> DesignModule:
    """One module; raises NotFound."""
    module = draft.wanted.by_id.get(name) or find_module(draft.wanted, name)
    tab = given.get("tab", "fields") if given.get("tab", "fields") in TABS else "fields"
    node, new = given.get("node", ""), given.get("new", "")
    builder = _Builder(here, draft, module, tab, node)
    roles, pipelines = role_choices(draft.wanted, here.locale), pipeline_choices(module, here.locale)
    chosen = tuple(given.get(key, "") if given.get(key, "") in dict(known) else "" for key, known in (("as", roles), ("in", pipelines)))
    seen = tab in ("fields", "links", "stages", "layouts")
    preview, preview_problem = await _preview(here, draft, module, *chosen) if seen else ((), "")
    query = urlencode({key: value for key, value in (("tab", tab), ("node", node), ("new", new), ("as", chosen[0]), ("in", chosen[1])) if value})
    return DesignModule(
        bar(here, draft), _module(here, module), module.id, _state(here, draft, module), tab, builder.tabs(),
        builder.groups(), builder.palette(), builder.panel(new), preview, preview_problem,
        preview_as=roles, preview_in=pipelines if len(pipelines) > 1 else (), chosen=(chosen[0], chosen[1]),
        variant=variant_of(module, node) is not None, json=_json(module) if tab == "json" else "", error=error, here=f"/design/{module.id}?{query}",
    )  # fmt: skip


def _json(module: Module) -> str:
    return orjson.dumps(body(module), option=orjson.OPT_INDENT_2).decode()


class _Builder:
    """Lists and settings of one module."""

    def __init__(self, here: Visit, draft: Draft, module: Module, tab: str, node: str) -> None:
        self.here, self.draft, self.module, self.tab, self.node = here, draft, module, tab, node
        self.root = f"module/{module.id}"
        self.wrong: dict[str, list[tuple[str, str]]] = {}
        for problem in draft.problems():
            place, setting = place_of(draft.wanted, problem.path)
            told = located(draft.wanted, problem)
            self.wrong.setdefault(place, []).append((setting, f"{told['message']} {told.get('hint', '')}".strip()))

    def text(self, label: Any) -> str:
        return label_text(label, self.here.locale) if label else ""

    def url(self, tab: str, node: str = "", new: str = "") -> str:
        found = {key: value for key, value in (("tab", tab), ("node", node), ("new", new)) if value}
        return f"/design/{self.module.id}?{urlencode(found)}"

    def tabs(self) -> tuple[TabView, ...]:
        t, module = self.here.t, self.module
        labels = {
            "fields": t("Fields"), "stages": t("Stages"), "links": t("Links"), "rules": t("Rules"), "views": t("Views"),
            "layouts": t("Layouts"), "general": t("General"), "json": "JSON",
        }  # fmt: skip
        counts = {
            "fields": [one for one in module.fields if not one.archived], "stages": module.stages,
            "links": [one for one in module.links if not one.archived], "rules": module.rules, "views": module.views,
            "layouts": module.layout.variants,
        }  # fmt: skip
        return tuple(
            TabView(labels[tab], self.url(tab), tab == self.tab, len(counts[tab]) if tab in counts else None) for tab in TABS
        )

    # -- lists ----------------------------------------------------------------------------------------------------------

    def groups(self) -> tuple[Group, ...]:
        if self.tab == "fields":
            return self._fields()
        if self.tab == "stages":
            return tuple(
                Group(self.text(pipeline.label), f"{self.root}/pipelines/{pipeline.id}/stages", tuple(
                    self._part(f"{self.root}/pipelines/{pipeline.id}/stages/{stage.id}", stage, index, "circle",
                               stage.category, hue=stage.hue or "")
                    for index, stage in enumerate(pipeline.stages)
                ))
                for pipeline in self.module.pipelines
            )  # fmt: skip
        if self.tab == "layouts":
            t = self.here.t
            words = (t("Layout of the module"), t("In no section"), t("Hidden"))
            return layout_groups(self.module, self.node, self._part, words, self.here.locale)
        if self.tab in ("links", "rules", "views"):
            icons = {"links": "link-2", "rules": "shield-check", "views": "table"}
            nodes = getattr(self.module, self.tab)
            parts = tuple(
                self._part(f"{self.root}/{self.tab}/{one.id}", one, index, icons[self.tab], _about(one))
                for index, one in enumerate(nodes)
            )
            return (Group("", f"{self.root}/{self.tab}", parts),)
        return ()

    def _fields(self) -> tuple[Group, ...]:
        by_name = {field.name: (index, field) for index, field in enumerate(self.module.fields) if not field.archived}
        links = {link.name: link for link in self.module.links if not link.archived}
        groups, placed = [], set()
        for section in self.module.layout.sections:
            parts = []
            for name in section.fields:
                placed.add(name)
                if name in by_name:
                    parts.append(self._field(by_name[name][1], by_name[name][0]))
                elif name in links:
                    parts.append(self._part(f"{self.root}/links/{links[name].id}", links[name], 0, "link-2", self.here.t("Link"), tab="links"))
            path = f"{self.root}/layout/sections/{section.id}"
            groups.append(Group(self.text(section.label), path, tuple(parts), self.url("fields", path)))
        rest = tuple(self._field(field, index) for name, (index, field) in by_name.items() if name not in placed)
        if rest or not groups:
            groups.append(Group(self.here.t("More") if groups else "", "", rest))
        archived = tuple(self._field(field, index) for index, field in enumerate(self.module.fields) if field.archived)
        if archived:
            groups.append(Group(self.here.t("Archived"), "archived", archived))
        return tuple(groups)

    def _field(self, field: Any, index: int) -> Part:
        t = self.here.t
        badges = [
            word
            for on, word in (
                (field.required, t("required")), (field.unique, t("unique")), (field.indexed, t("indexed")),
                (field.searchable, t("searched")), (field.personal is not None, t("personal data")),
            )
            if on
        ]  # fmt: skip
        about = t(field.type.replace("_", " ").capitalize())
        return self._part(f"{self.root}/fields/{field.id}", field, index, ICONS.get(field.type, "box"), about, badges=badges)

    def _part(
        self, path: str, node: Any, index: int, icon: str, sub: str, *, badges: Sequence[str] = (), hue: str = "", tab: str = ""
    ) -> Part:
        label = self.text(getattr(node, "label", None)) or node.name
        return Part(
            path, label, node.name, icon, sub, hue, tuple(badges), self.url(tab or self.tab, path), path == self.node,
            bool(getattr(node, "archived", False)), not self._published(path), index, len(self.wrong.get(path, ())),
        )  # fmt: skip

    def _published(self, path: str) -> bool:
        known = self.draft.base.by_id.get(self.module.id)
        if known is None:
            return False
        parts = path.split("/")[2:]
        here: Any = body(known)
        for at in range(0, len(parts) - 1, 2):
            if parts[at] == "layout":
                return True
            here = next((one for one in here.get(parts[at], ()) if parts[at + 1] in (one.get("id"), one["name"])), None)
            if here is None:
                return False
        return True

    def palette(self) -> tuple[Kind, ...]:
        t = self.here.t
        if self.tab == "fields":
            return tuple(
                Kind(
                    name, t(name.replace("_", " ").capitalize()), ICONS.get(name, "box"),
                    t((known.__doc__ or "").strip().splitlines()[0]), "" if at_once(name) else self.url("fields", new=name),
                )
                for name, known in TYPES.items()
            )
        if self.tab == "rules":
            return tuple(
                Kind(
                    name, t(name.capitalize()), "shield-check", t((model.__doc__ or "").strip().splitlines()[0]),
                    self.url("rules", new=name),
                )
                for name, model in RULES.items()
            )
        return ()

    # -- settings -------------------------------------------------------------------------------------------------------

    def panel(self, new: str) -> Panel | None:
        t = self.here.t
        if self.tab == "general":
            return self._panel(self.module.text(self.here.locale), self.root, Module, body(self.module), hide=ELSEWHERE)
        if new:
            model, path = self._new(new)
            title = {"fields": t("New field"), "links": t("New link"), "rules": t("New rule"), "views": t("New view"), "layouts": t("New layout"), "stages": t("New stage")}.get(self.tab, t("New"))
            return replace(self._panel(title, path, model, {"kind": new} if self.tab == "rules" else {}), adds=True, kind=new) if model else None
        found = self.found()
        if found is None:
            return None
        node, model = found
        hide: list[str] = []
        options: tuple[Part, ...] = ()
        path = ""
        if "/fields/" in self.node:
            if model.computed:
                hide += ["required", "unique", "default", "read_only", "required_when", "read_only_when"]
            elif not model.can_be_unique():
                hide += ["unique", "indexed"]
            if "options" in model.model_fields:
                path = f"{self.node}/options"
                options = tuple(
                    Part(f"{path}/{one.get('id') or one['name']}", shown_label(one, self.here.locale), one["name"], hue=one.get("hue", ""),
                         archived=bool(one.get("archived")), index=index)
                    for index, one in enumerate(node.get("options", ()))
                )  # fmt: skip
        made = self._panel(shown_label(node, self.here.locale), self.node, model, node, hide=hide)
        types: tuple[tuple[str, str], ...] = ()
        if "/fields/" in self.node:
            known = [(name, t(name.replace("_", " ").capitalize())) for name in TYPES]
            types = tuple(sorted(known, key=lambda one: (one[0] != node["type"], one[1])))
        used = self._uses()
        return replace(made, archived=bool(node.get("archived")), options=options, options_path=path, types=types, uses=used)

    def _uses(self) -> tuple[str, ...]:
        parts = self.node.split("/")
        if len(parts) != 4 or parts[2] not in ("fields", "links"):
            return ()
        return tuple(dict.fromkeys(use.as_dict()["path"] for use in uses(self.draft.wanted, parts[1], parts[2], parts[3])))

    def _panel(self, title: str, path: str, model: Any, node: Mapping[str, Any], hide: Sequence[str] = ()) -> Panel:
        errors: dict[str, tuple[str, ...]] = {}
        loose = []
        for setting, text in self.wrong.get(path, ()):
            key = setting.strip("/").split("/")[0]
            if key:
                errors[key] = (*errors.get(key, ()), text)
            else:
                loose.append(text)
        names = [one.name for one in (*self.module.fields, *self.module.links) if not one.archived]
        if model is Link:
            names = [one.name for one in self.draft.wanted.modules if not one.archived]
        if model is Stage:
            names += [stage.name for stage in self.module.stages]
        if model in (Layout, Variant):
            hide = (*hide, "sections", "variants", "hidden")
        locale = self.here.locale
        sets = {"roles": role_choices(self.draft.wanted, locale), "pipelines": pipeline_choices(self.module, locale)} if model is Variant else {}
        groups = inputs(model, node, self.here.t, errors, names, hide, sets)
        return Panel(title, path, groups, problems=tuple(loose))

    def _new(self, new: str) -> tuple[Any, str]:
        if self.tab == "fields" and new in TYPES:
            return TYPES[new], f"{self.root}/fields"
        if self.tab == "links":
            return Link, f"{self.root}/links"
        if self.tab == "layouts":
            return Variant, f"{self.root}/layout/variants"
        if self.tab == "views":
            return View, f"{self.root}/views"
        if self.tab == "rules" and new in RULES:
            return RULES[new], f"{self.root}/rules"
        if self.tab == "stages":
            pipeline = self.module.pipeline
            return Stage, f"{self.root}/pipelines/{pipeline.id}/stages" if pipeline is not None else f"{self.root}/pipelines"
        return None, ""

    def found(self) -> tuple[dict[str, Any], Any] | None:
        """The selected node as JSON, and its model."""
        return node_of(self.draft.wanted, self.node) if self.node.startswith(f"{self.root}/") else None


def node_of(definitions: DefinitionSet, path: str) -> tuple[dict[str, Any], Any] | None:
    """A node as JSON by its path of ids, with the model that it is read by; None where there is none."""
    parts = path.split("/")
    module = definitions.by_id.get(parts[1]) if len(parts) > 1 else None
    if module is None or parts[0] != "module":
        return None
    here: Any = body(module)
    if len(parts) == 2:
        return here, Module
    steps = parts[2:]
    kind = ""
    while steps:
        step = steps.pop(0)
        if step == "layout":
            here = here.get("layout", {})
            if not steps:
                return here, Layout
            continue
        if not steps:
            return None
        kind, wanted = step, steps.pop(0)
        here = next((one for one in here.get(step, ()) if wanted in (one.get("id") or one.get("name"), one.get("name"))), None)
        if here is None:
            return None
    models: dict[str, Any] = {"links": Link, "views": View, "stages": Stage, "sections": Section, "variants": Variant}
    if kind == "fields":
        return here, TYPES[here["type"]]
    if kind == "rules":
        return here, RULES[here["kind"]]
    return (here, models[kind]) if kind in models else None


def _about(node: Any) -> str:
    if isinstance(node, Link):
        return ", ".join(node.to)
    return str(getattr(node, "kind", "") or getattr(node, "layout", ""))


# -- the preview ----------------------------------------------------------------------------------------------------------


class _Preview(FormBuilder):
    """The form of a module that may not exist yet: links are shown, but nothing is looked up."""

    async def _link(self, part: CompiledLink, filling: Filling) -> FieldWidget:
        definition = part.definition
        return FieldWidget(
            definition.name, self.describer.text(definition.label), "select", help=self.describer.text(definition.help),
            required=definition.required, prefix="p",
        )  # fmt: skip


def drafted(here: Visit, draft: Draft, role: str = "") -> Visit:
    """The visit as if the draft were published, for somebody with a role; raises what cannot be compiled yet."""
    unit = copy(here.unit)
    unit.actor = replace(unit.actor, roles=(role,)) if role else unit.actor
    unit.catalog = Catalog(here.unit.schema, -1, draft.wanted, {})
    unit.policy = policy_of(unit.catalog, unit.actor)
    seen = copy(here)
    seen.unit = unit
    return seen


async def _preview(here: Visit, draft: Draft, module: Module, role: str = "", pipeline: str = "") -> tuple[tuple[FormSection, ...], str]:
    try:
        seen = drafted(here, draft, role)
        compiled = seen.unit.catalog.modules.get(module.id)
        if compiled is None:
            return (), here.t("The module is archived.")
        if role and not seen.unit.policy.allows(module.id, "see"):
            return (), here.t("This role does not see the module.")
        stages = next((one.stages for one in module.pipelines if one.id == pipeline), ())
        found = await _Preview(seen, compiled).sections(Filling({"stage": stages[0].name} if stages else {}, fresh=True))
    except (XrmError, KeyError, ValueError, TypeError, AttributeError, StopIteration):
        # What cannot be compiled yet is told beside the settings.
        return (), here.t("The form is shown again when the problems are solved.")
    sections = [replace(one, widgets=tuple(replace(w, prefix="p") for w in one.widgets)) for one in found]
    return tuple(sections), ""


HANDLERS = [design_modules, design_module]
