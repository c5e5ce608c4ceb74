"""Renaming: when nodes of a set have new names, everything that mentions them is rewritten."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlencode

from xrm_core.definitions.collection import DefinitionSet
from xrm_core.definitions.guest_page import GuestChoice, GuestList, GuestPage
from xrm_core.definitions.layout import narrowed
from xrm_core.definitions.link import Link
from xrm_core.definitions.mail_template import MailTemplate
from xrm_core.definitions.members import Directory
from xrm_core.definitions.module import Module
from xrm_core.definitions.pipeline import Stage
from xrm_core.definitions.rewrite_automation import rewritten
from xrm_core.definitions.role import Role
from xrm_core.definitions.rule import DuplicateRule, UniqueRule, ValidationRule
from xrm_core.definitions.work import Event, Log, Panel, Reachable, Task
from xrm_core.expressions.checker import THIS
from xrm_core.expressions.functions import OVER_LINKS
from xrm_core.expressions.mail_source import rewritten_source
from xrm_core.expressions.parser import parse
from xrm_core.expressions.printer import print_node
from xrm_core.expressions.template import Template, parse_template
from xrm_core.expressions.tree import Binary, Call, Choice, Compare, ListOf, Literal, Logic, Name, Node, Unary
from xrm_core.fields.base import Default, Field, Model
from xrm_core.fields.formula import Formula
from xrm_core.fields.lookup import Lookup
from xrm_core.fields.rollup import Rollup

M = TypeVar("M", bound=Model)


@dataclass(frozen=True)
class Renames:
    """New names: of modules by old name, of members by (module id, old name).

    `values` are the new names of options and stages, by (module id, field id or "stage") and old name.
    """

    modules: dict[str, str]
    members: dict[tuple[str, str], str]
    values: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.modules or self.members or self.values)


def renames_between(old: DefinitionSet, new: DefinitionSet) -> Renames:
    """What has another name in `new`; nodes are recognised by their ids."""
    modules: dict[str, str] = {}
    members: dict[tuple[str, str], str] = {}
    values: dict[tuple[str, str], dict[str, str]] = {}
    for module in old.modules:
        after = new.by_id.get(module.id)
        if after is None or after is module:
            continue
        values |= _values_between(module, after)
        if after.name != module.name:
            modules[module.name] = after.name
        fields = {node.id: node.name for node in after.fields}
        for node in module.fields:
            if not node.archived and fields.get(node.id, node.name) != node.name:
                members[module.id, node.name] = fields[node.id]
        links = {link.id: link for link in after.links}
        for link in module.links:
            found = links.get(link.id)
            if found is None or link.archived:
                continue
            if found.name != link.name:
                members[module.id, link.name] = found.name
            if link.inverse is not None and found.inverse is not None and link.inverse.name != found.inverse.name:
                for name in link.to:
                    target = old.by_name.get(name)
                    if target is not None:
                        members[target.id, link.inverse.name] = found.inverse.name
    return Renames(modules, members, values)


def _values_between(old: Module, new: Module) -> dict[tuple[str, str], dict[str, str]]:
    """New names of options and stages, and the ones that take the place of others."""
    found: dict[tuple[str, str], dict[str, str]] = {}
    after = {node.id: node for node in new.fields}
    lists = [(node.id, getattr(node, "options", ()), getattr(after.get(node.id), "options", ())) for node in old.fields]
    if old.pipelines != new.pipelines:
        lists.append(("stage", old.stages, new.stages))
    for key, before, now in lists:
        if before is now or not before or not now:
            continue
        names = {one.id: one.name for one in now}
        there = set(names.values())
        changed = {one.name: names[one.id] for one in before if names.get(one.id, one.name) != one.name}
        known = {one.id: one for one in before}
        for one in now:
            was = known.get(one.id)
            if was is not None and one.replaced_by in there and was.replaced_by != one.replaced_by:
                changed[was.name] = one.replaced_by
        if changed:
            found[old.id, key] = changed
    return found


def follow_renames(old: DefinitionSet, new: DefinitionSet) -> DefinitionSet:
    """`new` with every mention of a node that was renamed since `old` brought up to date."""
    renames = renames_between(old, new)
    if not renames:
        return new
    writer = _Writer(Directory(old), renames)
    modules = tuple(writer.module(module) for module in new.modules)
    automations = tuple(rewritten(writer, automation) for automation in new.automations)
    templates = tuple(writer.mail_template(template) for template in new.mail_templates)
    roles = tuple(writer.role(role) for role in new.roles)
    return new.having(modules=modules, roles=roles, automations=automations, mail_templates=templates)


def follow_in_look(old: DefinitionSet, new: DefinitionSet, module_id: str, look: dict[str, Any]) -> dict[str, Any]:
    """A saved way to look at a module's records, with the names that its fields and links have in `new`."""
    renames = renames_between(old, new)
    module = old.by_id.get(module_id)
    if not renames or module is None:
        return look
    writer = _Writer(Directory(old), renames)
    found = dict(look)
    for key, value in look.items():
        if not value:
            continue
        if key == "filter":
            found[key] = writer.expression(module, value)
        elif key == "sort":
            found[key] = list(writer.sorts(module, value))
        elif key in ("columns", "pinned", "card_fields"):
            found[key] = list(writer.names(module, value))
        elif key in ("group_by", "sum", "date_field", "end_field"):
            found[key] = writer.path(module, value)
        elif key in ("widths", "aggregates"):
            found[key] = {writer.path(module, name): inner for name, inner in value.items()}
        elif key == "color":
            found[key] = [{**rule, "when": writer.expression(module, rule["when"])} for rule in value]
    return found


def follow_in_query(old: DefinitionSet, new: DefinitionSet, module_id: str, query: str) -> str:
    """The same for the query string with which somebody looked at a module last."""
    renames = renames_between(old, new)
    module = old.by_id.get(module_id)
    if not renames or module is None:
        return query
    writer = _Writer(Directory(old), renames)
    lists = {"sort": writer.sorts, "columns": writer.names, "by": writer.names, "sum": writer.names}
    found = []
    for key, value in parse_qsl(query, keep_blank_values=True):
        if value and key == "filter":
            value = writer.expression(module, value)
        elif value and key in lists:
            value = ",".join(lists[key](module, value.split(",")))
        found.append((key, value))
    return urlencode(found)


_ABOUT_OPTIONS = frozenset({"has_any", "has_all", "has_none", "contains"})


def _worded(node: Node, words: dict[str, str]) -> Node:
    """Options written down, with their new names."""
    if not words:
        return node
    if isinstance(node, Literal) and isinstance(node.value, str):
        return Literal(words[node.value], span=node.span) if node.value in words else node
    if isinstance(node, ListOf):
        items = (_worded(item, words) for item in node.items)
        return ListOf(tuple(dict.fromkeys(items)))
    return node


class _Writer:
    """Rewrites mentions; what a name means is looked up in the old set."""

    def __init__(self, directory: Directory, renames: Renames) -> None:
        self.directory = directory
        self.renames = renames
        self.old = directory.definitions

    # -- expressions and names -------------------------------------------------------------------------------

    def expression(self, module: Module, source: str) -> str:
        node, _ = parse(source)
        if node is None:
            return source
        renamed = self.node(module, node)
        return source if renamed == node else print_node(renamed)

    def node(self, module: Module, node: Node, root: Module | None = None) -> Node:
        """The tree with new names; what stands behind a link to many is about the module over there.

        `root` is the module of the whole expression, which is meant by `this` in there.
        """
        root = root or module
        match node:
            case Name(parts=(first, *rest)) if first == THIS and rest and self.directory.member(module, THIS) is None:
                return Name((THIS, *self.path(root, ".".join(rest)).split(".")))
            case Name():
                return Name(tuple(self.path(module, node.text).split(".")))
            case Call():
                where = module
                if node.function in OVER_LINKS and node.args and isinstance(node.args[0], Name):
                    where = self.target(module, node.args[0].text) or module
                args = [self.node(where if place else module, arg, root) for place, arg in enumerate(node.args)]
                words = self.words(module, node.args[0]) if node.args and node.function in _ABOUT_OPTIONS else {}
                return Call(node.function, (*args[:1], *(_worded(arg, words) for arg in args[1:])))
            case ListOf():
                return ListOf(tuple(self.node(module, item, root) for item in node.items))
            case Logic():
                return Logic(node.op, tuple(self.node(module, item, root) for item in node.items))
            case Unary():
                return Unary(node.op, self.node(module, node.operand, root))
            case Binary():
                return Binary(node.op, self.node(module, node.left, root), self.node(module, node.right, root))
            case Compare():
                left, right = self.node(module, node.left, root), self.node(module, node.right, root)
                right = _worded(right, self.words(module, node.left))
                return Compare(node.op, _worded(left, self.words(module, node.right)), right)
            case Choice():
                parts = (node.then, node.condition, node.otherwise)
                then, condition, otherwise = (self.node(module, one, root) for one in parts)
                return Choice(then, condition, otherwise)
            case _:
                return node

    def words(self, module: Module, node: Node) -> dict[str, str]:
        """The new names of the options that a name stands for; {} where none has one."""
        if not self.renames.values or not isinstance(node, Name):
            return {}
        *way, last = node.text.split(".")
        here = self.target(module, ".".join(way)) if way else module
        member = self.directory.member(here, last) if here is not None else None
        if here is None or member is None:
            return {}
        return self.renames.values.get((here.id, "stage" if member.kind == "system" else member.id), {})

    def target(self, module: Module, path: str) -> Module | None:
        """The module at the end of a path of links."""
        members = self.directory.follow(module, path)
        return members[-1].targets[0] if members and len(members[-1].targets) == 1 else None

    def path(self, module: Module, path: str) -> str:
        """A dotted path with new names."""
        if path.startswith("before.") and self.directory.member(module, "before") is None:
            return "before." + self.path(module, path.removeprefix("before."))
        found: list[str] = []
        here: Module | None = module
        for step in path.split("."):
            member = self.directory.member(here, step) if here is not None else None
            found.append(self.renames.members.get((here.id, step), step) if here is not None else step)
            here = member.targets[0] if member is not None and len(member.targets) == 1 else None
        return ".".join(found)

    def template(self, module: Module, text: str) -> str:
        template, _ = parse_template(text)
        if template is None:
            return text
        changed = Template(tuple(part if isinstance(part, str) else self.node(module, part) for part in template.parts))
        return text if changed == template else changed.text

    def names(self, module: Module, names: Iterable[str]) -> tuple[str, ...]:
        return tuple(self.path(module, name) for name in names)

    def sorts(self, module: Module, names: Iterable[str]) -> tuple[str, ...]:
        return tuple("-" * name.startswith("-") + self.path(module, name.removeprefix("-")) for name in names)

    def module_name(self, name: str) -> str:
        return self.renames.modules.get(name, name)

    # -- definitions -----------------------------------------------------------------------------------------

    def module(self, module: Module) -> Module:
        here = self.old.by_id.get(module.id)
        if here is None:
            # New in this edit: nothing in it can mean an old name of its own, links to other modules can.
            return module.model_copy(update={"links": tuple(self._to(link) for link in module.links)})
        views = tuple(
            self._change(
                view,
                filter=(self.expression, here),
                sort=(self.sorts, here),
                columns=(self.names, here),
                group_by=(self.path, here),
                card_fields=(self.names, here),
                sum=(self.path, here),
                date_field=(self.path, here),
                end_field=(self.path, here),
            )
            for view in module.views
        )
        layout = narrowed(module.layout, lambda names: self.names(here, names))
        pipelines = tuple(
            pipeline.model_copy(
                update={
                    "stages": tuple(self._stage(here, stage) for stage in pipeline.stages),
                    "when": self.expression(here, pipeline.when) if pipeline.when else None,
                }
            )
            for pipeline in module.pipelines
        )
        changed = module.model_copy(
            update={
                "fields": tuple(self.field(here, field) for field in module.fields),
                "links": tuple(self.link(here, link) for link in module.links),
                "rules": tuple(self.rule(here, rule) for rule in module.rules),
                "views": tuple(
                    v.model_copy(update={"module": self.module_name(v.module)}) if v.module else v for v in views
                ),
                "layout": layout,
                "pipelines": pipelines,
                "task": self._task(here, module),
                "event": self._event(here, module),
                "log": self._log(here, module),
                "reachable": self._reachable(here, module),
                "panels": tuple(self._panel(here, panel) for panel in module.panels),
                "guest_pages": tuple(self._guest_page(here, one) for one in module.guest_pages),
            }
        )
        return self._change(changed, title=(self.template, here), subtitle=(self.template, here))

    def _task(self, here: Module, module: Module) -> Task | None:
        if module.task is None:
            return None
        task = self._change(
            module.task, assignee=(self.path, here), due=(self.path, here), done_when=(self.expression, here)
        )
        return task.model_copy(update={"done": {self.path(here, name): value for name, value in task.done.items()}})

    def _event(self, here: Module, module: Module) -> Event | None:
        if module.event is None:
            return None
        name = (self.path, here)
        names = (self.names, here)
        return self._change(
            module.event, start=name, end=name, who=names, when=(self.expression, here), place=name, guests=names
        )

    def _log(self, here: Module, module: Module) -> Log | None:
        if module.log is None:
            return None
        name = (self.path, here)
        log = self._change(module.log, text=name, title=name, kind=name, fields=(self.names, here))
        return log.model_copy(
            update={"mail_values": {self.path(here, key): value for key, value in log.mail_values.items()}}
        )

    def mail_template(self, template: MailTemplate) -> MailTemplate:
        """A mail template with the new names in its texts."""
        here = self.old.by_name.get(template.module)
        if here is None:
            return template

        def renamed(source: str) -> str:
            return rewritten_source(source, lambda text: self.expression(here, text))

        languages = {
            language: texts.model_copy(update={key: renamed(source) for key, source in texts.parts()})
            for language, texts in template.languages.items()
        }
        return template.model_copy(update={"module": self.module_name(template.module), "languages": languages})

    def _reachable(self, here: Module, module: Module) -> Reachable | None:
        if module.reachable is None:
            return None
        text = (self.expression, here)
        return self._change(module.reachable, allowed_when=text, marketing_when=text)

    def _panel(self, here: Module, panel: Panel) -> Panel:
        panel = self._change(panel, visible_when=(self.expression, here))
        target = self.target(here, panel.link) if panel.link else self.old.by_name.get(panel.module or "")
        where = target if panel.kind != "facts" else here
        if where is not None:
            panel = self._change(
                panel,
                via=(self.path, where),
                filter=(self.expression, where),
                columns=(self.names, where),
                sort=(self.sorts, where),
                group_by=(self.path, where),
            )
        panel = self._change(panel, link=(self.path, here))
        return panel.model_copy(update={"module": self.module_name(panel.module)}) if panel.module else panel

    def _guest_page(self, here: Module, page: GuestPage) -> GuestPage:
        page = self._change(
            page, when=(self.expression, here), show=(self.names, here), recipient=(self.path, here),
            until=(self.path, here), seen=(self.path, here),
        )  # fmt: skip
        lists = tuple(self._guest_list(here, one) for one in page.lists)
        choices = tuple(self._guest_choice(here, here, one) for one in page.choices)
        return page.model_copy(update={"lists": lists, "choices": choices})

    def _guest_list(self, here: Module, found: GuestList) -> GuestList:
        module = self.old.by_name.get(found.module)
        found = self._change(found, of=(self.path, here))
        if module is None:
            return found
        found = self._change(
            found, link=(self.path, module), filter=(self.expression, module), show=(self.names, module),
            sort=(self.sorts, module),
        )  # fmt: skip
        choices = tuple(self._guest_choice(here, module, one) for one in found.choices)
        return found.model_copy(update={"choices": choices, "module": self.module_name(found.module)})

    def _guest_choice(self, here: Module, module: Module, choice: GuestChoice) -> GuestChoice:
        names = (self.names, module)
        choice = self._change(choice, when=(self.expression, here), ask=names, required=names)
        words = self.renames.values.get((module.id, "stage"), {})
        values = {
            self.path(module, name): self.expression(module, value) if isinstance(value, str) else value
            for name, value in choice.values.items()
        }
        stage = words.get(choice.stage, choice.stage) if choice.stage is not None else None
        return choice.model_copy(update={"values": values, "stage": stage})

    def _stage(self, here: Module, stage: Stage) -> Stage:
        stage = self._change(stage, requires=(self.names, here), entry_when=(self.expression, here))
        words = self.renames.values.get((here.id, "stage"), {})
        if not words:
            return stage
        moves = stage.moves_to
        if moves is not None:
            moves = tuple(dict.fromkeys(words.get(name, name) for name in moves))
        maps_to = words.get(stage.maps_to, stage.maps_to) if stage.maps_to is not None else None
        return stage.model_copy(update={"moves_to": moves, "maps_to": maps_to})

    def field(self, here: Module, field: Field) -> Field:
        write = (self.expression, here)
        words = self.renames.values.get((here.id, field.id), {})
        if words and isinstance(field.default, str):
            field = field.model_copy(update={"default": words.get(field.default, field.default)})
        elif words and isinstance(field.default, list):
            names = list(dict.fromkeys(words.get(name, name) for name in field.default))
            field = field.model_copy(update={"default": names})
        field = self._change(field, required_when=write, visible_when=write, read_only_when=write)
        if field.default_expression is not None:
            text = self.expression(here, field.default_expression)
            default: Any = Default(expression=text) if isinstance(field.default, Default) else {"expression": text}
            field = field.model_copy(update={"default": default}) if text != field.default_expression else field
        if isinstance(field, Formula):
            return self._change(field, formula=write)
        if isinstance(field, (Rollup, Lookup)):
            target = self.target(here, field.link)
            field = self._change(field, link=(self.path, here))
            if target is not None and isinstance(field, Rollup):
                inner = (self.expression, target)
                return self._change(field, field=inner, where=inner, order_by=(self._order, target))
            if target is not None:
                return self._change(field, field=(self.expression, target))
        return field

    def _order(self, module: Module, source: str) -> str:
        return "-" * source.startswith("-") + self.expression(module, source.removeprefix("-"))

    def link(self, here: Module, link: Link) -> Link:
        write = (self.expression, here)
        targets = [target for name in link.to if (target := self.old.by_name.get(name)) is not None]
        link = self._change(self._to(link), required_when=write, visible_when=write)
        if link.default is not None:
            link = link.model_copy(update={"default": self._change(link.default, expression=write)})
        return self._change(link, where=(self.expression, targets[0])) if targets else link

    def _to(self, link: Link) -> Link:
        to = tuple(self.module_name(name) for name in link.to)
        return link if to == link.to else link.model_copy(update={"to": to})

    def rule(self, here: Module, rule: Any) -> Any:
        if isinstance(rule, ValidationRule):
            write = (self.expression, here)
            return self._change(rule, when=write, check=write, fields=(self.names, here))
        if isinstance(rule, UniqueRule):
            return self._change(rule, fields=(self.names, here))
        if isinstance(rule, DuplicateRule):
            return self._change(rule, match=(self.names, here))
        return rule

    def role(self, role: Role) -> Role:
        def lists(found: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
            return {
                self.module_name(name): self.names(self.old.by_name[name], fields)
                if name in self.old.by_name
                else fields
                for name, fields in found.items()
            }

        return role.model_copy(
            update={
                "modules": {self.module_name(name): grants for name, grants in role.modules.items()},
                "hidden_fields": lists(role.hidden_fields),
                "read_only_fields": lists(role.read_only_fields),
            }
        )

    def _change(self, node: M, **writers: tuple[Callable[[Module, Any], Any], Module]) -> M:
        """A copy of a node in which some settings went through a writer; the node itself if nothing changed."""
        changes = {}
        for key, (write, module) in writers.items():
            value = getattr(node, key)
            if value:
                written = write(module, value)
                if written != value:
                    changes[key] = written
        return node.model_copy(update=changes) if changes else node
