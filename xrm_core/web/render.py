"""Turns view models into HTML: one template per page class, one environment per language."""

from __future__ import annotations

import json
import secrets
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote_plus

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from xrm_core.web import formats, i18n, rows, shortcuts
from xrm_core.web.assets import PREFIX, assets, icon
from xrm_core.web.pages import (
    BoardPage,
    EntryView,
    FieldWidget,
    FilterBar,
    FormPage,
    LaneView,
    ListPage,
    LoginPage,
    MessagePage,
    OptionView,
    SearchPage,
    Shell,
)
from xrm_core.web.pieces import Pieces
from xrm_core.web.views_automations import AutomationPage, AutomationsPage, BuilderPage, LogPage
from xrm_core.web.views_bar import ViewSettings
from xrm_core.web.views_calendar import CalendarPage
from xrm_core.web.views_design import DesignHistory, DesignModule, DesignModules, DesignReview, DesignRole, DesignRoles
from xrm_core.web.views_enrolments import EnrolmentsPage
from xrm_core.web.views_guests import GuestLinksPage, GuestView
from xrm_core.web.views_importing import ImportPage, ImportsPage
from xrm_core.web.views_mail import (
    MailboxesPage,
    OutboxPage,
    SuppressionsPage,
    TemplatePage,
    TemplatesPage,
    WebhooksPage,
)
from xrm_core.web.views_moneyline import MoneyPage
from xrm_core.web.views_packs import GalleryPage, PackPage, StepPage
from xrm_core.web.views_record import RecordPage, WhyPage
from xrm_core.web.views_report import ReportPage
from xrm_core.web.views_today import NoticesPage, SettingsPage, TodayPage

TEMPLATES = Path(__file__).resolve().parent / "templates"
PAGES: dict[type, str] = {
    ListPage: "list.html.jinja",
    BoardPage: "board.html.jinja",
    CalendarPage: "calendar.html.jinja",
    MoneyPage: "moneyline.html.jinja",
    RecordPage: "record.html.jinja",
    WhyPage: "record_why.html.jinja",
    ReportPage: "report.html.jinja",
    FormPage: "form.html.jinja",
    SearchPage: "search.html.jinja",
    MessagePage: "message.html.jinja",
    GuestLinksPage: "guest_links.html.jinja",
    TodayPage: "today.html.jinja",
    NoticesPage: "notices.html.jinja",
    SettingsPage: "settings.html.jinja",
    ViewSettings: "view_settings.html.jinja",
    ImportsPage: "imports.html.jinja",
    ImportPage: "import.html.jinja",
    GalleryPage: "packs.html.jinja",
    AutomationsPage: "automations.html.jinja",
    AutomationPage: "automation.html.jinja",
    BuilderPage: "automation_build.html.jinja",
    LogPage: "automation_log.html.jinja",
    EnrolmentsPage: "enrolments.html.jinja",
    MailboxesPage: "mail_accounts.html.jinja",
    OutboxPage: "mail_outbox.html.jinja",
    SuppressionsPage: "mail_suppressions.html.jinja",
    TemplatePage: "mail_template.html.jinja",
    TemplatesPage: "mail_templates.html.jinja",
    WebhooksPage: "mail_webhooks.html.jinja",
    PackPage: "pack.html.jinja",
    StepPage: "pack_step.html.jinja",
    DesignModules: "design_modules.html.jinja",
    DesignModule: "design_module.html.jinja",
    DesignReview: "design_review.html.jinja",
    DesignHistory: "design_history.html.jinja",
    DesignRoles: "design_roles.html.jinja",
    DesignRole: "design_role.html.jinja",
}
AnyPage = (
    ListPage
    | BoardPage
    | CalendarPage
    | MoneyPage
    | RecordPage
    | WhyPage
    | ReportPage
    | FormPage
    | SearchPage
    | MessagePage
    | GuestLinksPage
    | TodayPage
    | NoticesPage
    | SettingsPage
    | ImportsPage
    | ImportPage
    | ViewSettings
    | GalleryPage
    | AutomationsPage
    | AutomationPage
    | BuilderPage
    | LogPage
    | EnrolmentsPage
    | MailboxesPage
    | OutboxPage
    | SuppressionsPage
    | TemplatePage
    | TemplatesPage
    | WebhooksPage
    | PackPage
    | StepPage
    | DesignModules
    | DesignModule
    | DesignRoles
    | DesignRole
    | DesignReview
    | DesignHistory
)


def new_nonce() -> str:
    """A nonce for the one style block of a page."""
    return secrets.token_urlsafe(16)


def security_headers(nonce: str = "") -> dict[str, str]:
    """The headers of every HTML answer: nothing from other hosts, no inline code, no framing."""
    style = f"'self' 'nonce-{nonce}'" if nonce else "'self'"
    policy = (
        f"default-src 'self'; script-src 'self'; style-src {style}; img-src 'self' data: blob:; "
        "font-src 'self'; connect-src 'self'; "
        "object-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
    )
    return {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
    }


@cache
def _favicon() -> str:
    """The icon as an address that holds it: one request less for everybody who comes for the first time."""
    found = assets().served.get(assets().files.get("favicon.svg", ""))
    return f"data:image/svg+xml,{quote(found.body, safe=' /:=()#<>.,-').replace('#', '%23')}" if found is not None else ""


def _json_block(value: Any) -> Markup:
    """JSON that is safe inside a script element and inside a quoted attribute."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return Markup(text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e").replace("'", "\\u0027"))


def _filter_json(bar: FilterBar) -> Markup:
    return _json_block(bar.state)


def _reasons_json(reasons: tuple[OptionView, ...]) -> str:
    return json.dumps([[reason.name, reason.label] for reason in reasons if not reason.archived], ensure_ascii=False)


def _all_operators(bar: FilterBar) -> list[tuple[str, str]]:
    return list(
        {
            operator.name: (operator.name, operator.label) for field in bar.fields for operator in field.operators
        }.values()
    )


def _texts_url(locale: str) -> str:
    """Where the scripts' texts are; nothing for English, which they speak by themselves."""
    return "" if i18n.browser_texts(locale) == "{}" else PREFIX + i18n.browser_script(locale)[0]


@cache
def environment(locale: str) -> Environment:
    """The templates with the texts of one language."""
    found = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
        auto_reload=False,
    )
    found.install_gettext_callables(  # type: ignore[attr-defined]
        i18n.translator(locale), i18n.plural_translator(locale), newstyle=True
    )
    found.filters["pretty_json"] = lambda value: json.dumps(value, ensure_ascii=False, indent=2)
    found.globals.update(
        unquote=unquote_plus,
        asset=lambda name: assets().url(name),
        preloads=lambda: [PREFIX + name for name in assets().preload],
        icon=icon,
        pieces=Pieces(locale),
        favicon=_favicon,
        tracks=rows.tracks,
        align=rows.align,
        hue_of=formats.hue_of,
        initials=formats.initials,
        number=lambda value: formats.number(str(value), None, locale),
        filter_json=_filter_json,
        reasons_json=_reasons_json,
        all_operators=_all_operators,
        texts_url=_texts_url,
        help_lines=shortcuts.lines,
        json_block=_json_block,
    )
    return found


def page(view: AnyPage, shell: Shell) -> str:
    """A whole page."""
    return environment(shell.locale).get_template(PAGES[type(view)]).render(page=view, shell=shell, more=False)


def login(view: LoginPage) -> str:
    """The page to sign in."""
    return environment(view.locale).get_template("login.html.jinja").render(page=view)


def guest(view: GuestView) -> str:
    """The page of somebody without an account."""
    return environment(view.locale).get_template("guest.html.jinja").render(page=view)


def message(view: MessagePage, locale: str = "en", theme: str = "system") -> str:
    """An error page for someone who is not signed in."""
    return environment(locale).get_template("message_plain.html.jinja").render(page=view, locale=locale, theme=theme)


def notices(view: NoticesPage, shell: Shell) -> str:
    """The content of the popover of notifications."""
    return environment(shell.locale).get_template("fragments/notices.html.jinja").render(page=view, shell=shell)


def pack_waiting(waiting: int, url: str, locale: str) -> str:
    """How much work of a pack is left to be done in the background; asks again until there is none."""
    return environment(locale).get_template("fragments/pack_waiting.html.jinja").render(waiting=waiting, url=url)


def help_lines(shell: Shell) -> str:
    """The content of the help, which comes when it is first opened."""
    return environment(shell.locale).get_template("fragments/help.html.jinja").render(shell=shell)


def list_results(view: ListPage, shell: Shell) -> str:
    """The content of `#results` of a list, for a partial request."""
    return (
        environment(shell.locale)
        .get_template("fragments/list_results.html.jinja")
        .render(page=view, shell=shell, more=False)
    )


def view_settings(view: ViewSettings, shell: Shell) -> str:
    """The settings of a view, for its menu."""
    return environment(shell.locale).get_template("fragments/view_settings.html.jinja").render(page=view, shell=shell)


def list_more(view: ListPage, shell: Shell) -> str:
    """Further rows and the new foot of a list (`more=1`)."""
    return (
        environment(shell.locale)
        .get_template("fragments/list_more.html.jinja")
        .render(page=view, shell=shell, more=False)
    )


def board_lanes(view: BoardPage, shell: Shell) -> str:
    """The content of `#results` of a board, for a partial request."""
    return (
        environment(shell.locale)
        .get_template("fragments/board_lanes.html.jinja")
        .render(page=view, shell=shell, more=False)
    )


def lane_more(lane: LaneView, shell: Shell) -> str:
    """Further cards of one lane."""
    return environment(shell.locale).get_template("fragments/lane_more.html.jinja").render(lane=lane, shell=shell)


def fragment(name: str, view: AnyPage, shell: Shell) -> str:
    """The content of `#results` of a page, for a partial request."""
    return environment(shell.locale).get_template(name).render(page=view, shell=shell)


def board_enter(
    items: tuple[FieldWidget, ...], problems: tuple[str, ...], names: str, version: int, locale: str
) -> str:
    """The inputs that a card needs to enter a column."""
    return (
        environment(locale)
        .get_template("fragments/board_enter.html.jinja")
        .render(items=items, problems=problems, names=names, version=version)
    )


def timeline(items: tuple[EntryView, ...], next_url: str | None, shell: Shell) -> str:
    """Older entries of a timeline."""
    return (
        environment(shell.locale)
        .get_template("fragments/timeline.html.jinja")
        .render(items=items, next_url=next_url, shell=shell)
    )
