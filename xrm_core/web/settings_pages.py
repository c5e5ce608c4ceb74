"""The settings of a person: language, look, formats, what they are told about, and which key does what."""

from __future__ import annotations

from typing import Any
from zoneinfo import available_timezones

from litestar import Response, get, post

from xrm_core.access.preferences import merged
from xrm_core.kernel.errors import Invalid
from xrm_core.records.unit import Unit
from xrm_core.storage import members
from xrm_core.web import i18n, render
from xrm_core.web.describe import Describer
from xrm_core.web.editing import form_of
from xrm_core.web.frame import DENSITIES, THEMES, html, page, redirect, shell, theme_of
from xrm_core.web.services import Req, Services, Visit, caller_of, services_of, visit
from xrm_core.web.shortcuts import CHANGEABLE
from xrm_core.web.views_today import ChoiceView, KeyView, SettingsPage
from xrm_core.web.widgets import Form

NAMES = {"en": "English", "de": "Deutsch", i18n.PSEUDO: "[English~~~]"}
"""Languages in their own words."""
NOTIFY = ("mention", "assigned", "due", "job")


@get("/help")
async def help_lines(request: Req) -> Response[bytes]:
    """The shortcuts as this person has set them, for the dialog of every page."""
    async with visit(request) as here:
        frame = _frame(here)
        return html(render.help_lines(frame), frame.nonce)


@get("/settings")
async def settings_page(request: Req) -> Response[bytes]:
    """What the person has chosen."""
    async with visit(request) as here:
        return page(here, _page(here, here.caller.preferences), _frame(here))


@post("/settings")
async def save_settings(request: Req) -> Response[bytes]:
    """Keep what the person chose."""
    caller = await caller_of(request)
    form = await form_of(request, caller)
    async with visit(request, caller) as here:
        wanted = _wanted(form)
        clash = _clash(here, wanted["shortcuts"])
        if clash:
            view = _page(here, {**caller.preferences, **wanted}, clash)
            return page(here, view, _frame(here), status=422)
        try:
            await remember(services_of(request), caller, wanted)
        except Invalid as refused:
            problem = " ".join(one.message for one in refused.problems)
            return page(here, _page(here, {**caller.preferences, **wanted}, problem), _frame(here), status=422)
        language = wanted["language"] or here.locale
        return redirect("/settings", toast=i18n.translator(language)("Your settings are kept"))


async def remember(services: Services, caller: Any, wanted: dict[str, Any]) -> None:
    """Keep settings of a member; None takes back a choice."""

    async def work(unit: Unit) -> None:
        connection = await unit.transaction()
        member = await members.member(connection, unit.schema, caller.account_id)
        settings = merged(member.settings if member else {}, wanted)
        await members.set_member_settings(connection, unit.schema, caller.account_id, settings)

    await services.units.run(caller.workspace, caller.actor, work)
    services.doorkeeper.forget(caller.account_id)


def _frame(here: Visit) -> Any:
    return shell(here, here.t("Settings"), place="settings")


def _wanted(form: Form) -> dict[str, Any]:
    formats = {name: form.text(name) for name in ("date", "time", "number", "week_start") if form.text(name)}
    keys = {}
    for one in CHANGEABLE:
        chosen = form.text(f"key.{one.id}").strip().lower()[:1]
        if chosen != one.keys:
            keys[one.id] = chosen
    return {
        "theme": form.text("theme") if form.text("theme") in THEMES else None,
        "density": form.text("density") if form.text("density") in DENSITIES else None,
        "language": form.text("language") or None,
        "time_zone": form.text("time_zone").strip() or None,
        "start_page": form.text("start_page") or None,
        "formats": formats or None,
        "notify": {name: form.text(f"notify.{name}") == "on" for name in NOTIFY},
        "single_keys": form.text("single_keys") == "on",
        "shortcuts": keys,
    }


def _clash(here: Visit, keys: dict[str, str]) -> str:
    """A key that would do two things."""
    taken: dict[str, str] = {}
    for one in CHANGEABLE:
        key = keys.get(one.id, one.keys)
        if key and key in taken:
            return here.t("{key} cannot do two things: {first} and {second}.", key=key.upper(), first=taken[key], second=here.t(one.label))
        taken[key] = here.t(one.label)
    return ""


def _page(here: Visit, chosen: dict[str, Any], problem: str = "") -> SettingsPage:
    t = here.t
    formats = chosen.get("formats") or {}
    usual = t("As usual in the language")
    modules = [(m.name, Describer(here).module(m).label_plural) for m in Describer(here).modules()]
    notify = chosen.get("notify") or {}
    kept = chosen.get("shortcuts")
    keys: dict[str, str] = kept if isinstance(kept, dict) else {}
    languages = [(name, NAMES.get(name, name)) for name in i18n.languages()]
    return SettingsPage(
        look=(
            ChoiceView("theme", t("Theme"), theme_of(chosen.get("theme") or here.caller.theme), (("system", t("Like the system")), ("light", t("Light")), ("dark", t("Dark")))),
            ChoiceView("density", t("Rows"), str(chosen.get("density") or "default"), (("compact", t("Compact")), ("default", t("Normal")), ("comfortable", t("Comfortable")))),
            ChoiceView("language", t("Language"), here.locale, tuple(languages)),
            ChoiceView("start_page", t("Start page"), str(chosen.get("start_page") or "today"), (("today", t("Today")), *modules)),
        ),
        places=(
            ChoiceView("time_zone", t("Time zone"), str(chosen.get("time_zone") or ""), (("", t("Like the workspace: {zone}", zone=here.unit.zone)), *((zone, zone.replace("_", " ")) for zone in _zones()))),
        ),
        formats=(
            ChoiceView("date", t("Dates"), formats.get("date", ""), (("", usual), ("iso", "2026-12-31"), ("day_first", "31/12/2026"), ("month_first", "12/31/2026"))),
            ChoiceView("time", t("Times"), formats.get("time", ""), (("", usual), ("24h", "18:30"), ("12h", "6:30 PM"))),
            ChoiceView("number", t("Numbers"), formats.get("number", ""), (("", usual), ("comma", "1.234,50"), ("point", "1,234.50"), ("space", "1 234,50"))),
            ChoiceView("week_start", t("The week begins on"), formats.get("week_start", ""), (("", usual), ("monday", t("Monday")), ("sunday", t("Sunday")), ("saturday", t("Saturday")))),
        ),
        notify=(
            ("mention", t("Somebody mentions me"), notify.get("mention", True)),
            ("assigned", t("Somebody gives me something to do"), notify.get("assigned", True)),
            ("due", t("A task of mine is due"), notify.get("due", True)),
            ("job", t("Long work that I started has ended"), notify.get("job", True)),
        ),
        single_keys=chosen.get("single_keys", True) is not False,
        keys=tuple(KeyView(one.id, t(one.label), one.keys, keys.get(one.id, one.keys)) for one in CHANGEABLE),
        problem=problem,
    )  # fmt: skip


def _zones() -> list[str]:
    return sorted(zone for zone in available_timezones() if "/" in zone and not zone.startswith(("Etc/", "SystemV/")))


HANDLERS = [help_lines, settings_page, save_settings]
