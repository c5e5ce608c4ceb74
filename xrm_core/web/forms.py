"""The form of a record: its inputs from the definitions, and what was sent back as values for the engine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import orjson

from xrm_core.definitions.layout import Variant
from xrm_core.kernel.problem import Problem, pointer
from xrm_core.records import read
from xrm_core.records.prepare import parse_context
from xrm_core.records.query import RecordQuery
from xrm_core.storage.model import CompiledField, CompiledLink, CompiledModule
from xrm_core.web.conditions import State, states
from xrm_core.web.describe import Describer
from xrm_core.web.pages import FieldWidget, FormSection, RecordRef
from xrm_core.web.services import Visit
from xrm_core.web.widgets import WIDE, Form, read_field, settings_of, shown_in_input, typed_again, widget_of

CHOICES = 25
MOST_LINKED = 200


@dataclass(slots=True)
class Filling:
    """What the inputs of a form hold: the stored record, or what was typed, and what is wrong with it."""

    record: Mapping[str, Any] = field(default_factory=dict)
    form: Form | None = None
    problems: list[Problem] = field(default_factory=list)
    fresh: bool = False
    """A new record: literal defaults are shown, empty inputs are left to the engine's defaults."""

    def errors(self, name: str) -> tuple[str, ...]:
        """The messages for one input."""
        start = pointer(name)
        return tuple(
            problem.message + (f" {problem.hint}" if problem.hint else "")
            for problem in self.problems
            if problem.path == start or problem.path.startswith(start + "/")
        )


class FormBuilder:
    """Makes the inputs of a module for a visit, and reads them back."""

    def __init__(self, visit: Visit, module: CompiledModule) -> None:
        self.visit = visit
        self.module = module
        self.describer = Describer(visit)
        self.context = parse_context(visit.unit)
        self.rights = visit.unit.policy.module(module.id)

    # -- which inputs ---------------------------------------------------------------------------------------------------

    def layout(self, stage: object = None) -> Variant:
        """The layout of the visitor's roles, for a new record or one in a stage."""
        return self.module.definition.layout_for(self.visit.unit.actor.roles, str(stage) if stage else None)

    def names(self, stage: object = None) -> list[tuple[str, int, list[str]]]:
        """(label, columns, names) of the sections; what no section names comes last."""
        layout = self.layout(stage)
        known = [name for name in (*self.module.fields, *self.module.links, "owner") if name not in layout.hidden]
        sections = [
            (self.describer.text(section.label), section.columns, [name for name in section.fields if name in known])
            for section in layout.sections
        ]
        placed = {name for _, _, names in sections for name in names}
        rest = [name for name in known if name not in placed]
        if rest:
            sections.append((self.visit.t("More") if sections else "", 2, rest))
        return sections

    def writable(self, name: str) -> CompiledField | CompiledLink | None:
        """The field or link, if this actor may write it."""
        part: CompiledField | CompiledLink | None = self.module.fields.get(name) or self.module.links.get(name)
        if (
            part is None
            or part.id in self.rights.hidden
            or part.id in self.rights.read_only
            or part.definition.read_only
        ):
            return None
        if isinstance(part, CompiledField):
            return part if part.writable else None
        seen = any(self.describer.sees(self.visit.unit.catalog.modules[target]) for target in part.targets)
        return part if seen else None

    async def sections(self, filling: Filling) -> tuple[FormSection, ...]:
        """The inputs."""
        found = []
        conditional = await self.conditions(filling)
        for label, columns, names in self.names(filling.record.get("stage")):
            widgets = [widget for name in names if (widget := await self.widget(name, filling)) is not None]
            widgets = [under(widget, conditional.get(widget.name)) for widget in widgets]
            if widgets:
                found.append(FormSection(label, tuple(widgets), columns))
        return tuple(found)

    async def conditions(self, filling: Filling) -> dict[str, State]:
        """Which conditional fields are shown and needed for what the form holds."""
        if filling.form is not None:
            values, _ = self.values(filling.form, fresh=True)
        else:
            values = {name: value for name, value in filling.record.items() if name in self.module.fields}
            for name, link in self.module.links.items():
                one = filling.record.get(name)
                if not link.many and isinstance(one, dict):
                    values[name] = {"module": one["module"], "id": one["id"]} if link.polymorphic else one["id"]
        return await states(self.visit.unit, self.module, values)

    async def widget(self, name: str, filling: Filling) -> FieldWidget | None:
        """One input; None for what cannot be written here."""
        if name == "owner":
            return self._owner(filling)
        part = self.writable(name)
        if isinstance(part, CompiledField):
            return self._field(part, filling)
        if isinstance(part, CompiledLink):
            return await self._link(part, filling)
        return None

    def _owner(self, filling: Filling) -> FieldWidget:
        typed = filling.form.text("owner") if filling.form is not None and filling.form.has("owner") else None
        value = typed if typed is not None else filling.record.get("owner", self.visit.unit.me if filling.fresh else "")
        return FieldWidget(
            "owner", self.visit.t("Owner"), "user", value, errors=filling.errors("owner"), users=self._users()
        )

    def _users(self) -> tuple[Any, ...]:
        return tuple(sorted(self.visit.users.values(), key=lambda user: user.name.casefold()))

    def _field(self, part: CompiledField, filling: Filling) -> FieldWidget:
        definition = part.definition
        widget = widget_of(definition)
        if filling.form is not None and filling.form.has(definition.name):
            value = typed_again(filling.form, definition)
        else:
            stored = filling.record.get(definition.name)
            if (
                stored is None
                and filling.fresh
                and not isinstance(definition.default, dict)
                and definition.default is not None
            ):
                stored = definition.default if not hasattr(definition.default, "expression") else None
            value = shown_in_input(definition, stored, self.visit.unit.zone)
        return FieldWidget(
            definition.name,
            self.describer.text(definition.label),
            widget,
            value,
            help=self.describer.text(definition.help),
            required=definition.required and not (filling.fresh and definition.default is not None),
            wide=widget in WIDE,
            errors=filling.errors(definition.name),
            options=tuple(self.describer.options(definition).values()),
            settings=settings_of(definition, self.context),
            users=self._users() if widget == "user" else (),
        )

    async def _link(self, part: CompiledLink, filling: Filling) -> FieldWidget:
        unit, definition = self.visit.unit, part.definition
        targets = [unit.catalog.modules[target] for target in part.targets]
        targets = [target for target in targets if self.describer.sees(target)]
        refs = await self._refs(part, filling)
        creates = len(targets) == 1 and unit.policy.allows(targets[0].id, "create")
        choices: list[RecordRef] = []
        for target in targets[:3]:
            choices += await self.choices(target, definition.where, CHOICES if len(targets) == 1 else 8)
        return FieldWidget(
            definition.name,
            self.describer.text(definition.label),
            "link",
            help=self.describer.text(definition.help),
            required=definition.required,
            errors=filling.errors(definition.name),
            settings={
                "many": definition.many,
                "polymorphic": part.polymorphic,
                "choices": tuple(choices),
                "create_url": f"/m/{targets[0].name}/new" if creates else "",
            },
            modules=tuple((target.name, self.describer.text(target.definition.label)) for target in targets),
            refs=tuple(refs),
        )

    async def choices(self, target: CompiledModule, where: str | None, limit: int) -> list[RecordRef]:
        """Some records to choose from without typing: the ones changed last."""
        query = RecordQuery(target.name, filter=where, sort=("-updated_at",), limit=limit, fields=("title",))
        listed = await read.find(self.visit.unit, query)
        return [RecordRef(row["id"], target.name, row.get("title") or "…") for row in map(orjson.loads, listed.rows)]

    async def _refs(self, part: CompiledLink, filling: Filling) -> list[RecordRef]:
        name = part.name
        if filling.form is not None and filling.form.has(name):
            return await self._named(part, filling.form.texts(name))
        value = filling.record.get(name)
        if isinstance(value, dict):
            return [RecordRef(value["id"], value["module"], value.get("title") or "…")]
        if isinstance(value, list):
            return [RecordRef(item["id"], item["module"], item.get("title") or "…") for item in value]
        return []

    async def _named(self, part: CompiledLink, texts: Iterable[str]) -> list[RecordRef]:
        """Records by what the input holds: an id, or `module:id`."""
        wanted: dict[str, list[str]] = {}
        for text in texts:
            module, _, record_id = text.rpartition(":")
            wanted.setdefault(module or part.definition.to[0], []).append(record_id)
        found = []
        for module_name, ids in wanted.items():
            if module_name not in part.definition.to:
                continue
            good = [record_id for record_id in ids if len(record_id) == 36]
            query = RecordQuery(
                module_name,
                filter={"field": "id", "op": "in", "value": good},
                fields=("title",),
                limit=max(1, min(1000, len(good))),
                archived="all",
            )
            listed = await read.find(self.visit.unit, query) if good else read.Listed([])
            found += [
                RecordRef(row["id"], module_name, row.get("title") or "…") for row in map(orjson.loads, listed.rows)
            ]
        return found

    # -- what came back -------------------------------------------------------------------------------------------------

    def values(self, form: Form, *, fresh: bool) -> tuple[dict[str, Any], list[Problem]]:
        """The values for the engine. On a new record empty inputs are left out, so that defaults apply."""
        found: dict[str, Any] = {}
        problems: list[Problem] = []
        for name in [*self.module.fields, *self.module.links]:
            part = self.writable(name)
            if part is None or not form.has(name):
                continue
            if isinstance(part, CompiledLink):
                value: Any = self._link_value(part, form)
            else:
                value, wrong = read_field(form, part.definition, self.context)
                problems += wrong
            if not (fresh and (value is None or value == [])):
                found[name] = value
        if form.has("owner") and (form.text("owner") or not fresh):
            found["owner"] = form.text("owner") or None
        return found, problems

    def _link_value(self, part: CompiledLink, form: Form) -> Any:
        def one(text: str) -> Any:
            module, _, record_id = text.rpartition(":")
            return {"module": module, "id": record_id} if module else text

        texts = [one(text) for text in form.texts(part.name)]
        return texts if part.many else (texts[-1] if texts else None)


def under(widget: FieldWidget, state: State | None) -> FieldWidget:
    """The input as its conditions make it."""
    if state is None:
        return widget
    return replace(widget, conditional=True, off=not state.shown, required=widget.required or state.needed)


async def with_many(visit: Visit, module: CompiledModule, record: dict[str, Any]) -> dict[str, Any]:
    """The record with the lists of its many-to-many links."""
    policy = visit.unit.policy
    for link in module.links.values():
        if not link.many or link.id in policy.module(module.id).hidden:
            continue
        targets = [visit.unit.catalog.modules[target] for target in link.targets if policy.allows(target, "see")]
        found: list[dict[str, Any]] = []
        for target in targets:
            for row in map(orjson.loads, await _linked(visit, module, link, target, record["id"])):
                found.append({"id": row["id"], "module": target.name, "title": row.get("title")})
        record[link.name] = found
    return record


async def _linked(
    visit: Visit, module: CompiledModule, link: CompiledLink, target: CompiledModule, record_id: str
) -> list[bytes]:
    if not link.polymorphic:
        return (await read.related(visit.unit, module.name, UUID(record_id), link.name, limit=MOST_LINKED)).rows
    inverse = link.definition.inverse
    if inverse is None:
        return []
    # A link to several modules is asked from each of the other sides.
    condition = {"field": inverse.name, "op": "any", "value": {"field": "id", "op": "eq", "value": record_id}}
    return (
        await read.find(visit.unit, RecordQuery(target.name, filter=condition, fields=("title",), limit=MOST_LINKED))
    ).rows


def prefilled(module: CompiledModule, parameters: Mapping[str, str]) -> Form:
    """Values that the address gives to a new record: links and choices by name."""
    known = [*module.fields, *module.links, "owner"]
    return Form([(name, value) for name, value in parameters.items() if name.partition(".")[0] in known])
