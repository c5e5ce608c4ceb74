"""Pages about mail templates: what there is, changed in all languages, seen as they are for a real record."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import orjson
from litestar import Response, get, post

from xrm_core.access.callers import Caller
from xrm_core.definitions import DefinitionSet, edit
from xrm_core.definitions.mail_template import MailTemplate
from xrm_core.expressions.mail_source import OWN
from xrm_core.kernel.errors import Invalid, NotFound, XrmError
from xrm_core.kernel.labels import label_text
from xrm_core.messaging.templates import of_definition, render
from xrm_core.publishing import apply
from xrm_core.publishing.planning import plan_set
from xrm_core.records import read
from xrm_core.records.query import RecordQuery
from xrm_core.web.editing import form_of, record_id
from xrm_core.web.fragments import answer
from xrm_core.web.frame import page, redirect, shell
from xrm_core.web.mail_accounts import PLACE, TEMPLATES, tabs
from xrm_core.web.services import Req, Services, Visit, caller_of, services_of, visit
from xrm_core.web.views_mail import PreviewView, TemplateCard, TemplatePage, TemplatesPage, TextView
from xrm_core.web.widgets import Form

RECORDS = 25


def fitting(here: Visit, module: str) -> list[MailTemplate]:
    """The templates for the records of a module, by label."""
    found = [one for one in here.unit.catalog.definitions.mail_templates if not one.archived and one.module == module]
    return sorted(found, key=lambda one: label_text(one.label, here.locale[:2]).casefold())


@get(TEMPLATES)
async def templates_page(request: Req) -> Response[bytes]:
    """All mail templates, and a form for a new one."""
    async with visit(request) as here:
        here.unit.policy.require_design()
        return _list(here)


def _list(here: Visit, form: Form | None = None, problems: Any = ()) -> Response[bytes]:
    language = here.locale[:2]
    modules = {
        one.name: label_text(one.definition.label_plural, language) for one in here.unit.catalog.modules.values()
    }
    cards = tuple(
        TemplateCard(
            one.name, label_text(one.label, language), modules.get(one.module, one.module), ", ".join(one.languages),
            one.in_language(here.locale)[1].subject, one.purpose == "marketing",
        )
        for one in sorted(here.unit.catalog.definitions.mail_templates, key=lambda one: (one.module, one.name))
        if not one.archived
    )  # fmt: skip
    typed = {name: value for name, value in form.items if isinstance(value, str) and name != "_csrf"} if form else {}
    view = TemplatesPage(tabs(here, TEMPLATES), cards, tuple(modules.items()), here.locale[:2], typed, _told(problems))
    return page(here, view, shell(here, here.t("Mail templates"), place=PLACE), status=422 if problems else 200)


def _told(problems: Any) -> tuple[str, ...]:
    return tuple(f"{'/'.join(one.path.split('/')[3:])}: {one.message} {one.hint or ''}".strip(": ") for one in problems)


@post(TEMPLATES)
async def add_template(request: Req) -> Response[bytes]:
    """Publish a new mail template."""
    caller = await caller_of(request)
    form = await form_of(request, caller)
    async with visit(request, caller) as here:
        here.unit.policy.require_design()
    label = form.text("label")
    given = {
        "label": label, "module": form.text("module"),
        "languages": {form.text("language") or "en": {"subject": form.text("subject"), "text": _text(form, "text")}},
    }  # fmt: skip
    try:
        await _publish(services_of(request), caller, lambda old: edit.add_mail_template(old, given), label)
    except Invalid as refused:
        async with visit(request, caller) as here:
            return _list(here, form, refused.problems)
    return redirect(TEMPLATES, toast=here.t("{name} is added", name=label))


async def _publish(
    services: Services, caller: Caller, change: Callable[[DefinitionSet], DefinitionSet], label: str
) -> None:
    made = await plan_set(services.units, caller.workspace, caller.actor, change)
    if made.problems:
        raise Invalid(made.problems)
    await apply(services.units, caller.workspace, caller.actor, made, f"Mail template {label}"[:200])


@get(TEMPLATES + "/{name:str}")
async def template_page(request: Req) -> Response[bytes]:
    """One mail template, and how it reads for a record: `?record=` and `?language=`."""
    async with visit(request) as here:
        here.unit.policy.require_design()
        template = edit.find_mail_template(here.unit.catalog.definitions, request.path_params["name"])
        return await _page(here, template, _texts(template), ())


def _texts(template: MailTemplate) -> tuple[TextView, ...]:
    return tuple(TextView(code, one.subject, one.text, one.html) for code, one in template.languages.items())


async def _page(here: Visit, template: MailTemplate, texts: tuple[TextView, ...], problems: Any) -> Response[bytes]:
    module = here.unit.module(template.module)
    given = here.request.query_params
    query = RecordQuery(module.name, sort=("-updated_at",), limit=RECORDS, fields=("title",))
    rows = [orjson.loads(row) for row in (await read.find(here.unit, query)).rows]
    records = tuple((row["id"], str(row.get("title") or "—")) for row in rows)
    chosen = given.get("record") or (records[0][0] if records else "")
    language = given.get("language") or next(iter(template.languages))
    preview = None
    if chosen and not problems:
        try:
            preview = await _preview(here, template, UUID(chosen), language)
        except (ValueError, NotFound):
            chosen = ""
    own = tuple(
        (code, label) for code, label in (("en", "English"), ("de", "Deutsch")) if code not in template.languages
    )
    language_choices = tuple(template.languages)
    view = TemplatePage(
        tabs(here, TEMPLATES), template.name, label_text(template.label, here.locale[:2]),
        label_text(module.definition.label_plural, here.locale[:2]), template.purpose, texts, own, records, chosen, language,
        language_choices, preview, tuple(sorted({*module.fields, *module.links, *OWN})), _told(problems),
    )  # fmt: skip
    return page(here, view, shell(here, view.label, place=PLACE), status=422 if problems else 200)


async def _preview(here: Visit, template: MailTemplate, record: UUID, language: str) -> PreviewView:
    own = {"sender_name": here.caller.name, "sender_email": here.caller.email}
    module = here.unit.module(template.module)
    made = await render(here.unit, module, record, of_definition(template), language=language, own=own)
    return PreviewView(made.subject, made.text, made.html or "")


@post(TEMPLATES + "/{name:str}")
async def change_template(request: Req) -> Response[bytes]:
    """Publish a mail template as it was changed, or take it out of use."""
    caller = await caller_of(request)
    form = await form_of(request, caller)
    name = request.path_params["name"]
    async with visit(request, caller) as here:
        here.unit.policy.require_design()
        template = edit.find_mail_template(here.unit.catalog.definitions, name)
        label = label_text(template.label, here.locale[:2])
    services = services_of(request)
    if form.text("do") == "remove":
        try:
            await _publish(services, caller, lambda old: edit.remove_mail_template(old, name), label)
        except XrmError as refused:
            return redirect(f"{TEMPLATES}/{name}", toast=refused.problems[0].message, kind="bad")
        return redirect(TEMPLATES, toast=here.t("{name} is removed", name=label))
    texts = _given(template, form)
    languages: dict[str, Any] = {code: None for code in template.languages}
    languages |= {one.language: {"subject": one.subject, "text": one.text, "html": one.html} for one in texts}
    changes = {"languages": languages, "purpose": "marketing" if form.text("marketing") else "transactional"}
    try:
        await _publish(services, caller, lambda old: edit.patch_mail_template(old, name, changes), label)
    except Invalid as refused:
        async with visit(request, caller) as here:
            return await _page(here, template, texts, refused.problems)
    return redirect(f"{TEMPLATES}/{name}", toast=here.t("{name} is kept", name=label))


def _given(template: MailTemplate, form: Form) -> tuple[TextView, ...]:
    """The texts of the form, in the order of the languages; one without anything in it is left out."""
    codes = dict.fromkeys([*template.languages, *([form.text("new_language")] if form.text("new_language") else [])])
    found = [
        TextView(code, form.text(f"subject.{code}"), _text(form, f"text.{code}"), _text(form, f"html.{code}"))
        for code in codes
    ]
    return tuple(one for one in found if one.subject or one.text or one.html)


def _text(form: Form, name: str) -> str:
    return form.text(name).replace("\r\n", "\n")


@get("/m/{module:str}/{id:str}/mail/template")
async def fill_in(request: Req) -> Response[bytes]:
    """A mail template filled in for a record, for the place where one writes."""
    identity = record_id(request)
    async with visit(request) as here:
        module = here.unit.module(request.path_params["module"])
        template = edit.find_mail_template(here.unit.catalog.definitions, request.query_params.get("name", ""))
        if template.module != module.name:
            edit.find_mail_template(DefinitionSet(), template.name)
        made = await _preview(here, template, identity, here.unit.workspace.locale)
        return answer({"subject": made.subject, "text": made.text, "category": template.purpose})


HANDLERS: list[Any] = [templates_page, add_template, template_page, change_template, fill_in]
