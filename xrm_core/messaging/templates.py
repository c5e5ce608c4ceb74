"""Mail templates: Jinja in a sandbox, whose expressions are ours.

What stands between `{{ }}` and after `{% if %}` is an expression of the one language over a record; all of it is worked
out first, and Jinja sees finished texts and true or false. A template has no loops, calls or assignments, so it ends.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from html import escape
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_datetime
from jinja2 import StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from xrm_core.catalog import CompiledModule
from xrm_core.definitions.mail_template import MailTemplate as Definition
from xrm_core.expressions.evaluate import compile as compile_python
from xrm_core.expressions.mail_source import LONGEST, check_source
from xrm_core.expressions.template import format_value
from xrm_core.expressions.typed import Const, Read, Typed, is_constant
from xrm_core.expressions.types import TEXT
from xrm_core.expressions.values import to_json
from xrm_core.fields.base import ParseContext
from xrm_core.kernel.errors import Invalid, NotFound
from xrm_core.kernel.kinds import Kind
from xrm_core.kernel.labels import label_text
from xrm_core.kernel.problem import Problem
from xrm_core.messaging.compose import LONGEST_SUBJECT, one_line
from xrm_core.messaging.html import harmless, to_text
from xrm_core.records import read
from xrm_core.records.environment import RecordEnv
from xrm_core.records.prepare import parse_context
from xrm_core.records.query import scope_of
from xrm_core.records.unit import Unit
from xrm_core.storage import records as record_store
from xrm_core.storage.sql import asking

LONGEST_RESULT = 400_000
LONGEST_VALUE = 20_000
PARTS = ("subject", "html", "text")


@dataclass(frozen=True)
class MailTemplate:
    """Subject, HTML and text, in one or more languages."""

    languages: Mapping[str, Mapping[str, str]]
    """By language code; each has some of `PARTS`."""

    def texts(self, language: str) -> Mapping[str, str]:
        """The texts in a language, else in the first there is."""
        short = language.replace("_", "-").partition("-")[0]
        return self.languages.get(language) or self.languages.get(short) or next(iter(self.languages.values()))


def of_definition(template: Definition) -> MailTemplate:
    """A published template, ready to be filled in."""
    return MailTemplate({language: dict(texts.parts()) for language, texts in template.languages.items()})


def read_template(given: Any) -> MailTemplate:
    """A template from plain data: `{"subject", "html", "text"}`, or the same per language under `languages`. Raises Invalid."""
    wanted = given.get("languages", {"": given}) if isinstance(given, dict) else None
    if not isinstance(wanted, dict) or not 1 <= len(wanted) <= 20:
        raise Invalid(Problem("type", "/template", "A template has subject, html and text, or languages with them."))
    problems = []
    for code, texts in wanted.items():
        place = f"/languages/{code}" if "languages" in given else ""
        if not isinstance(texts, dict):
            problems.append(Problem("type", place, "Texts are an object with subject, html and text."))
            continue
        for key, value in texts.items():
            if key not in PARTS:
                hint = f"Known: {', '.join(PARTS)}."
                problems.append(Problem("unknown_key", f"{place}/{key}", f"There is no {key!r} here.", hint))
            elif not isinstance(value, str) or len(value) > LONGEST:
                problems.append(Problem("type", f"{place}/{key}", f"This is a text of at most {LONGEST} characters."))
        if not texts.get("subject"):
            problems.append(Problem("required", f"{place}/subject", "The mail has no subject."))
        if not (texts.get("html") or texts.get("text")):
            problems.append(Problem("required", f"{place}/text", "The mail has no text.", "Give text, html or both."))
    if problems:
        raise Invalid(problems)
    return MailTemplate(wanted)


def check_template(unit: Unit, module: CompiledModule, template: MailTemplate) -> list[Problem]:
    """Everything that is wrong with a template for a module's records."""
    scope, problems = scope_of(unit, module), []
    for code, texts in template.languages.items():
        for part in PARTS:
            _, found = check_source(texts.get(part) or "", scope)
            place = f"/languages/{code}/{part}" if code else f"/{part}"
            problems += [Problem(one.code, place, one.message, one.hint) for one in found]
    return problems


@dataclass(frozen=True, slots=True)
class Rendered:
    """A mail as a template makes it."""

    subject: str
    html: str | None
    text: str
    language: str


async def render(
    unit: Unit,
    module: CompiledModule,
    identifier: UUID,
    template: MailTemplate,
    *,
    language: str | None = None,
    own: Mapping[str, str] | None = None,
) -> Rendered:
    """A template filled in for a record that the actor sees. Raises Invalid with every problem and its place."""
    problems = check_template(unit, module, template)
    if problems:
        raise Invalid(problems)
    await read.get(unit, module.name, identifier, fields=("title",))
    connection = unit.current or await unit.writer()
    row = (await record_store.fetch(connection, module.table, [identifier], beside=True)).get(identifier)
    if row is None:
        raise NotFound(Problem("not_found", "", "There is no such record."))
    wanted = language or unit.workspace.locale
    texts = template.texts(wanted)
    names = {"workspace_name": unit.workspace.name, "sender_name": unit.actor.name, **(own or {})}
    env = RecordEnv(unit, module, row, {})
    context = ParseContext(
        **{**{key: getattr(parse_context(unit), key) for key in ("currency", "region", "zone")}, "language": wanted}
    )

    async def fill(source: str, *, html: bool) -> str:
        checked, _ = check_source(source, scope_of(unit, module))
        assert checked is not None
        values: list[Any] = []
        for number, typed in enumerate(checked.expressions):
            value = await _value(unit, connection, module, row.id, typed, names, env)
            if number in checked.conditions:
                values.append(value is True)
                continue
            shown = _shown(unit, typed, value, env, context)[:LONGEST_VALUE]
            values.append(Markup(escape(shown).replace("\n", "<br>")) if html else shown)
        found = _environment(html).from_string(checked.source).render(v=values)
        if len(found) > LONGEST_RESULT:
            raise Invalid(Problem("too_long", "", f"The mail has more than {LONGEST_RESULT} characters."))
        return found

    subject = one_line(await fill(texts.get("subject") or "", html=False))[:LONGEST_SUBJECT]
    page = harmless(await fill(texts["html"], html=True)) if texts.get("html") else None
    text = await fill(texts["text"], html=False) if texts.get("text") else to_text(page or "")
    return Rendered(subject, page, text, wanted)


async def _value(
    unit: Unit,
    connection: Any,
    module: CompiledModule,
    record: UUID,
    typed: Typed,
    names: Mapping[str, str],
    env: RecordEnv,
) -> Any:
    if isinstance(typed, Read) and typed.path[0].id.startswith("$"):
        return names.get(typed.path[0].name)
    typed = _bound(typed, names)
    if is_constant(typed):
        return compile_python(typed)(env)
    return await asking.value(connection, unit.catalog.modules, module, typed, record, unit)


def _bound(typed: Any, names: Mapping[str, str]) -> Any:
    """The tree with our own names as the texts that they stand for."""
    if isinstance(typed, Read):
        return Const(names.get(typed.path[0].name), type=TEXT) if typed.path[0].id.startswith("$") else typed
    if isinstance(typed, Typed) and not isinstance(typed, Const):
        changed = {
            name: tuple(_bound(one, names) for one in value) if isinstance(value, tuple) else _bound(value, names)
            for name in getattr(type(typed), "__dataclass_fields__", {})
            if isinstance(value := getattr(typed, name), Typed | tuple) and name != "path"
        }
        made: dict[str, Any] = {name: getattr(typed, name) for name in type(typed).__dataclass_fields__}
        return type(typed)(**{**made, **changed}) if any(changed[key] != made[key] for key in changed) else typed
    return typed


def _shown(unit: Unit, typed: Typed, value: Any, env: RecordEnv, context: ParseContext) -> str:
    """A value as people read it: as its field writes it, else by its kind."""
    if value is None:
        return ""
    if isinstance(value, date):
        locale = _locale(context.language)
        if isinstance(value, datetime):
            return format_datetime(value, "short", tzinfo=ZoneInfo(context.zone), locale=locale)
        return format_date(value, "medium", locale=locale)
    if isinstance(typed, Read) and len(typed.path) >= 1:
        last = typed.path[-1]
        module = unit.catalog.modules.get(last.module)
        known = module.fields_by_id.get(last.id) if module is not None else None
        if module is not None and last.id == "stage":
            stage = module.stages.get(str(value))
            return label_text(stage.label, context.language) if stage is not None else str(value)
        if known is not None and not known.computed and not known.definition.json_path:
            stored = to_json(known.kind, list(value) if known.kind is Kind.LIST else value)
            if stored is not None:
                return known.definition.format(stored, context)
    return format_value(typed, value, env)


def _locale(language: str) -> Locale:
    try:
        return Locale.parse(language.replace("-", "_"))
    except (UnknownLocaleError, ValueError):
        return Locale.parse("en")


def _environment(html: bool) -> ImmutableSandboxedEnvironment:
    made = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=html, keep_trailing_newline=False)
    made.globals.clear()
    made.filters.clear()
    made.tests.clear()
    return made
