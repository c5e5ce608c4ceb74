"""Automations as inputs: made from the JSON Schema of the models, so that a new trigger or step appears by itself."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from xrm_core.definitions.automation import Automation
from xrm_core.definitions.automation_scope import AutomationTexts
from xrm_core.definitions.collection import DefinitionSet
from xrm_core.definitions.module import Module
from xrm_core.definitions.scope import Scopes
from xrm_core.fields.capabilities import HoldsUsers
from xrm_core.fields.email import Email
from xrm_core.kernel.kinds import Kind
from xrm_core.kernel.labels import label_text
from xrm_core.web.views_automations import Input

Shape = Mapping[str, Any]
Translate = Callable[..., str]
PREFIX = "p"
LANGUAGES = ("en", "de")
HIDDEN = frozenset({"id", "$schema", "archived", "state"})
LABELS = {
    "mail.to": "Recipients", "notify.to": "Recipients", "changed.from": "Only from", "changed.to": "Only to", "wait.for": "Length",
    "branch.if": "Condition", "branch.else": "Otherwise", "link.to": "Other record", "of": "Of which records", "mail.texts": "Texts in other languages",
    "mail.subjects": "Subjects in other languages", "automation.when": "Condition", "quiet.from": "Quiet from", "quiet.to": "Quiet until",
    "name": "Internal name", "automation.label": "Name", "automation.module": "Records of", "automation.late": "When it is late",
    "automation.quiet": "Quiet hours", "automation.at_once": "At once, with the change itself", "automation.once_per": "Only once per",
    "automation.exit_when": "End early when", "automation.exit_on_reply": "End when the person replies",
    "automation.one_at_a_time": "One run at a time", "date.roll": "On a weekend", "date.again": "Again when the date moves",
    "changed.on_create": "Also when created", "most": "At most", "assign.by": "How", "assign.count": "Count open records of",
    "assign.role": "Among the role", "mail.allowed_when": "Only send when", "mail.skip_empty": "Not when empty",
    "wait.until_true": "Until this holds", "every.since": "Counted from", "late.policy": "Then", "late.after": "Late after",
    "limits.steps": "Steps per run", "limits.records": "Records per run", "limits.per_person": "Marketing mails per person",
    "limits.per_days": "Within days", "quiet.zone": "Time zone", "quiet.weekends": "Also at weekends", "cron.at": "Times",
    "cron.days": "Days of the month", "tables.group_by": "A number for each",
}  # fmt: skip
"""What settings are called where their name alone says too little: `kind.name`, or `name` everywhere."""
TEXTS = frozenset({"condition", "expression", "time", "people", "template", "template-lines"})


@cache
def schema() -> dict[str, Any]:
    """The JSON Schema of an automation."""
    return Automation.model_json_schema(by_alias=True)


def resolved(raw: Shape) -> dict[str, Any]:
    """A property without references and without the alternative `null`."""
    found = dict(raw)
    if "$ref" in found:
        target = schema()["$defs"][found["$ref"].rpartition("/")[2]]
        found = {**target, **{key: value for key, value in found.items() if key != "$ref"}}
    options = [one for one in found.get("anyOf", ()) if one.get("type") != "null"]
    if len(options) == 1:
        outer = {key: value for key, value in found.items() if key != "anyOf"}
        found = {**resolved(options[0]), **outer, "optional": True}
    return found


def kinds(shape: Shape) -> dict[str, dict[str, Any]]:
    """Of a list of triggers or steps: the shape of each kind."""
    order = [one["$ref"] for one in shape["items"].get("oneOf", ())]
    mapping = shape["items"]["discriminator"]["mapping"].items()
    known = sorted(mapping, key=lambda item: order.index(item[1]) if item[1] in order else len(order))
    return {name: schema()["$defs"][ref.rpartition("/")[2]] for name, ref in known}


def tag_of(shape: Shape) -> str:
    """Of a list of triggers or steps: the key that says which kind it is."""
    return str(shape["items"]["discriminator"]["propertyName"])


def title_of(shape: Shape) -> tuple[str, str]:
    """What a kind of trigger or step is called, and what it does."""
    text = " ".join(str(shape.get("description", shape.get("title", ""))).split())
    for mark in (": ", "; ", ". ", ", "):
        head, found, rest = text.partition(mark)
        if found:
            return head, rest[:1].upper() + rest[1:]
    return text.rstrip("."), ""


def input_of(name: str, shape: Shape) -> str:
    """The kind of input for a setting."""
    known, kind = str(shape.get("format", "")), shape.get("type")
    if {"type": "string"} in shape.get("anyOf", ()):
        return "label"
    if kind == "array":
        items = resolved(shape.get("items") or {})
        if "discriminator" in (shape.get("items") or {}):
            return "nodes"
        if items.get("properties") or items.get("format") in TEXTS:
            return "list"
        return "many" if items.get("format") or "enum" in items else "words"
    if kind == "object" or "properties" in shape:
        return "object" if "properties" in shape else "table"
    if known in TEXTS:
        return known
    if "enum" in shape or known:
        return "choice"
    return {"boolean": "check", "integer": "number", "number": "number", "string": "text"}.get(str(kind), "any")


def said_texts() -> set[str]:
    """Everything that the schema brings to the page: labels, descriptions, kinds and choices."""
    found: set[str] = set(LABELS.values())

    def look(shape: Shape, kind: str) -> None:
        for name, raw in shape["properties"].items():
            if name in HIDDEN or "const" in raw:
                continue
            inner = resolved(raw)
            found.add(LABELS.get(f"{kind}.{name}") or LABELS.get(name) or name.replace("_", " ").capitalize())
            if inner.get("description") and "properties" not in inner:
                found.add(str(inner["description"]))
            for one in (inner, resolved(inner.get("items") or {})):
                found.update(str(choice).replace("_", " ").capitalize() for choice in one.get("enum", ()))
                if "properties" in one and name not in shape.get("title", ""):
                    look(one, name)
            if input_of(name, inner) == "nodes" and kind == "automation":
                for key, own in kinds(inner).items():
                    found.update(text for text in title_of(own) if text)
                    look(own, key)

    look(schema(), "automation")
    return found


class Inputs:
    """The inputs for one automation as it is being worked on."""

    def __init__(
        self, definitions: DefinitionSet, scopes: Scopes, body: Mapping[str, Any], t: Translate, language: str,
        errors: Mapping[str, Sequence[str]], sentence: Callable[[str, Mapping[str, Any]], str],
    ) -> None:  # fmt: skip
        self.definitions, self.body, self.t, self.language, self.errors = definitions, body, t, language, errors
        self.texts = AutomationTexts(scopes)
        self.sentence = sentence
        self.module = definitions.by_name.get(str(body.get("module") or ""))
        self.placed: set[str] = set()

    def all(self) -> dict[str, Input]:
        """The settings of the automation by name."""
        return {one.name: one for one in self._settings(schema(), self.body, "", "automation")}

    def unplaced(self) -> tuple[str, ...]:
        """What is wrong at no place that is shown."""
        return tuple(text for path, texts in self.errors.items() if path not in self.placed for text in texts)

    # -- settings -------------------------------------------------------------------------------------------------------

    def _settings(self, shape: Shape, value: Mapping[str, Any], path: str, kind: str) -> tuple[Input, ...]:
        needed = shape.get("required", ())
        found = []
        for name, raw in shape["properties"].items():
            if name in HIDDEN or "const" in raw:
                continue
            found.append(
                self.setting(name, resolved(raw), value.get(name), f"{path}/{name}", value, kind, name in needed)
            )
        return tuple(found)

    def setting(
        self, name: str, shape: Shape, value: Any, path: str, beside: Mapping[str, Any], kind: str, needed: bool
    ) -> Input:
        """One setting; `beside` are the values next to it, which may say whose records it is about."""
        t = self.t
        label = t(LABELS.get(f"{kind}.{name}") or LABELS.get(name) or name.replace("_", " ").capitalize())
        about = str(shape.get("description") or "") if "properties" not in shape and not name.isdigit() else ""
        made = input_of(name, shape)
        given = value is not None
        if value is None:
            value = shape.get("default")
        module = self._module(shape, beside)
        choices: tuple[tuple[str, str], ...] = ()
        items: tuple[Input, ...] = ()
        most = None
        if made == "label":
            texts = {"en": value} if isinstance(value, str) else dict(value or {})
            value = {language: texts.get(language, "") for language in dict.fromkeys([*LANGUAGES, *texts])}
        elif made == "object":
            if value is None and shape.get("optional") and not _offset(shape):
                made = "absent"
            else:
                items = self._settings(shape, value if isinstance(value, Mapping) else {}, path, name)
                made = "pair" if _offset(shape) else made
        elif made == "nodes":
            most = shape.get("maxItems")
            items = tuple(self._node(shape, one, f"{path}/{at}", at) for at, one in enumerate(value or ()))
            choices = self._kinds(shape)
        elif made == "list":
            inner = resolved(shape["items"])
            if not value and needed and "properties" not in inner:
                value = [None]
            items = tuple(
                self.setting(str(at), inner, one, f"{path}/{at}", beside, kind, False)
                for at, one in enumerate(value or ())
            )
            if inner.get("format") == "people":
                choices = self._people()
            most = shape.get("maxItems")
        elif made == "table":
            items = self._table(shape, value or {}, path, module, kind)
        elif made in ("many", "words", "choice"):
            inner = resolved(shape["items"]) if made != "choice" else dict(shape)
            module = self._module(inner, beside) if made == "many" else module
            choices = self._choices(inner, module, beside)
            if name == "once_per":
                choices = (("id", t("Once per record")), *choices)
            if made == "many":
                value = [_shown(one) for one in value or ()]
                known = dict(choices)
                # What is chosen comes first, in its order: that is how it goes back.
                choices = (
                    *((one, known.get(one, one)) for one in value),
                    *(pair for pair in choices if pair[0] not in value),
                )
                made = made if choices else "words"
            if made == "words":
                value = ", ".join(_shown(one) for one in value or ())
            elif made == "choice" and not choices:
                made, value = "text", "" if value is None else _shown(value)
            elif made == "choice":
                value = _shown(value) if value is not None else ""
                if value and value not in dict(choices):
                    choices = (*choices, (value, value))
                if not shape.get("default") or shape.get("optional"):
                    choices = (("", "—"), *choices)
        elif made in ("any", *TEXTS, "text"):
            value = "" if value is None else _shown(value)
        return Input(
            name, path, label, made, value, choices, t(about) if about else "", self._errors(path, made), needed,
            module.name if module is not None else "", items, most, given,
        )  # fmt: skip

    def _errors(self, path: str, kind: str) -> tuple[str, ...]:
        whole = kind not in ("object", "pair", "nodes", "list", "table", "absent")
        found: list[str] = []
        for place, texts in self.errors.items():
            if place == path or (whole and place.startswith(path + "/")):
                found += texts
                self.placed.add(place)
        return tuple(dict.fromkeys(found))

    def _node(self, shape: Shape, value: Any, path: str, at: int) -> Input:
        given: Mapping[str, Any] = value if isinstance(value, Mapping) else {}
        tag = tag_of(shape)
        kind = str(given.get(tag, ""))
        own = kinds(shape).get(kind)
        if own is None:
            return Input(
                kind,
                path,
                kind or "?",
                "unknown",
                kind,
                errors=(*self._errors(path, "node"), *self._errors(f"{path}/{tag}", "node")),
            )
        items = self._settings(own, given, path, kind)
        told = (*self._errors(path, "object"), *self._errors(f"{path}/{tag}", "object"))
        label, about = title_of(own)
        return Input(
            kind, path, self.t(label), "node", self.sentence(tag, given), ((tag, kind),), self.t(about) if about else "", told,
            items=items,
        )  # fmt: skip

    def _kinds(self, shape: Shape) -> tuple[tuple[str, str], ...]:
        return tuple((name, self.t(title_of(one)[0])) for name, one in kinds(shape).items())

    def _table(self, shape: Shape, value: Any, path: str, module: Module | None, kind: str) -> tuple[Input, ...]:
        known = shape.get("format")
        inner = resolved(
            shape.get("additionalProperties") or next(iter(shape.get("patternProperties", {"": {}}).values()))
        )
        names: tuple[tuple[str, str], ...] = ()
        if known == "values":
            names = self._fields(module) if module is not None else ()
        elif known == "stage-times":
            names = self._stages(self.module)
        rows = list(value.items()) if isinstance(value, Mapping) else []
        found = []
        for at, (key, one) in enumerate([*rows, ("", None)] if not rows else rows):
            offered = names if not key or key in dict(names) or not names else (*names, (key, key))
            kept = "choice" if names else "text"
            first = Input(
                "k", f"{path}/{at}/k", self.t("Language") if not known and "texts" in kind + path + "subjects" else self.t("Field"), kept, key,
                (("", "—"), *offered) if names else (),
            )  # fmt: skip
            cell = {**inner, "format": inner.get("format") or ("expression" if not inner.get("properties") else "")}
            second = self.setting(
                "v", {k: v for k, v in cell.items() if v != ""}, one, f"{path}/{at}/v", {}, kind, False
            )
            errors = self._errors(f"{path}/{key}", "row") if key else ()
            found.append(Input(str(at), f"{path}/{at}", "", "row", items=(first, second), errors=errors))
        return tuple(found)

    # -- what may be chosen -----------------------------------------------------------------------------------------------

    def _module(self, shape: Shape, beside: Mapping[str, Any]) -> Module | None:
        over = shape.get("x-over")
        if over == "of":
            return self.texts.behind(self.module, str(beside.get("of") or "this"))
        if over == "module":
            named = beside.get("module")
            if not named:
                tasks = [one for one in self.definitions.modules if one.task is not None and not one.archived]
                return tasks[0] if len(tasks) == 1 and beside.get("do") == "task" else None
            return self.definitions.by_name.get(str(named))
        return self.module

    def _choices(self, shape: Shape, module: Module | None, beside: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
        t = self.t
        if "enum" in shape:
            return tuple((str(one), t(str(one).replace("_", " ").capitalize())) for one in shape["enum"])
        match shape.get("format"):
            case "module":
                found = sorted(
                    (self._said(one.label_plural, one.name), one.name)
                    for one in self.definitions.modules
                    if not one.archived
                )
                return tuple((name, label) for label, name in found)
            case "field":
                return self._fields(module)
            case "date-field":
                return self._fields(module, {Kind.DATE, Kind.INSTANT}, system=True)
            case "user-field":
                return (("owner", t("Owner")), *self._fields(module, users=True))
            case "many-link":
                return tuple(
                    (one.name, self._said(one.label, one.name))
                    for one in (module.links if module else ())
                    if one.many and not one.archived
                )
            case "stage":
                return self._stages(module)
            case "role":
                return tuple(
                    (one.name, self._said(one.label, one.name)) for one in self.definitions.roles if not one.archived
                )
            case "automation":
                return tuple(
                    (one.name, self._said(one.label, one.name))
                    for one in self.definitions.automations
                    if not one.archived
                )
            case "mail-template":
                return tuple(
                    (one.name, self._said(one.label, one.name))
                    for one in self.definitions.mail_templates
                    if not one.archived and module is not None and one.module == module.name
                )
            case "guest-page":
                pages = module.guest_pages if module is not None else ()
                return tuple((one.name, self._said(one.label, one.name)) for one in pages)
            case "field-value":
                return self._options(beside.get(str(shape.get("x-over"))))
            case "path":
                return self._paths()
        return ()

    def _said(self, label: Any, name: str) -> str:
        return label_text(label, self.language) if label else name

    def _fields(
        self, module: Module | None, kinds: Iterable[Kind] = (), *, users: bool = False, system: bool = False
    ) -> tuple[tuple[str, str], ...]:
        if module is None:
            return ()
        kinds = set(kinds)
        found = [
            (field.name, self._said(field.label, field.name))
            for field in module.fields
            if not field.archived
            and (not kinds or field.kind in kinds)
            and (not users or isinstance(field, HoldsUsers))
        ]
        if not kinds and not users:
            found += [
                (link.name, self._said(link.label, link.name))
                for link in module.links
                if not link.archived and not link.many
            ]
            found += [("owner", self.t("Owner"))]
            found += [("stage", self.t("Stage"))] if module.pipeline is not None else []
        if system:
            found += [("created_at", self.t("Created at")), ("updated_at", self.t("Changed at"))]
        return tuple(found)

    def _stages(self, module: Module | None) -> tuple[tuple[str, str], ...]:
        return tuple(
            (one.name, self._said(one.label, one.name)) for one in (module.stages if module else ()) if not one.archived
        )

    def _options(self, names: Any) -> tuple[tuple[str, str], ...]:
        found: dict[str, str] = {}
        for field in self.module.fields if self.module else ():
            if field.name in (names or ()):
                found |= {
                    one.name: self._said(one.label, one.name)
                    for one in getattr(field, "options", ())
                    if not one.archived
                }
        return tuple(found.items()) + ((("null", self.t("empty")),) if found else ())

    def _paths(self) -> tuple[tuple[str, str], ...]:
        found = [("this", self.t("The record itself"))]
        if self.module is not None:
            for name, member in self.texts.scopes.directory.of(self.module).items():
                if member.link is not None and len(member.targets) == 1:
                    inverse = member.link.inverse if member.kind == "inverse" else None
                    found.append((name, self._said(inverse.label if inverse is not None else member.link.label, name)))
        return tuple(found)

    def _people(self) -> tuple[tuple[str, str], ...]:
        """Expressions that give people: users and e-mail addresses of the record and of what it is linked to, and roles."""
        t = self.t
        found: dict[str, str] = {}
        if self.module is not None:
            found["owner"] = t("Owner")
            queue = [(self.module, "", "", 0)]
            while queue:
                module, path, said, depth = queue.pop(0)
                for field in module.fields:
                    if isinstance(field, (Email, HoldsUsers)) and not field.archived:
                        found[path + field.name] = said + self._said(field.label, field.name)
                for link in module.links if depth < 2 else ():
                    target = self.definitions.by_name.get(link.to[0]) if len(link.to) == 1 and not link.many else None
                    if target is not None and not link.archived:
                        queue.append(
                            (target, f"{path}{link.name}.", f"{said}{self._said(link.label, link.name)} › ", depth + 1)
                        )
        for role in self.definitions.roles:
            if not role.archived:
                found[f"role:{role.name}"] = t("Everybody with the role {role}", role=self._said(role.label, role.name))
        return tuple(found.items())


def _offset(shape: Shape) -> bool:
    """Whether an object is a number with a unit."""
    return set(shape.get("properties", ())) == {"value", "unit"}


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
