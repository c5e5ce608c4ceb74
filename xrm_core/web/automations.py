"""Pages about automations: what there is as sentences, what ran, switched on and off, tried over the past."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from litestar import Response, get, post

from xrm_core.automation import arming, runner, telling
from xrm_core.automation.backtest import backtest
from xrm_core.definitions import edit
from xrm_core.definitions.automation import Automation
from xrm_core.kernel.dates import add_months
from xrm_core.kernel.errors import NotFound, XrmError
from xrm_core.kernel.problem import Problem
from xrm_core.publishing import apply
from xrm_core.publishing.planning import plan_set
from xrm_core.storage import occurrences as store
from xrm_core.web import formats
from xrm_core.web.editing import form_of
from xrm_core.web.frame import page, redirect, shell
from xrm_core.web.services import Req, Visit, caller_of, services_of, visit
from xrm_core.web.views_automations import (
    AutomationCard,
    AutomationPage,
    AutomationsPage,
    PastView,
    RunView,
    StepRowView,
)

PLACE = "automations"
SHOWN = 50
MONTHS = 6
_HUES = {
    "on": "green", "paused": "amber", "draft": "gray", "done": "green", "failed": "red", "asked": "amber", "running": "blue",
    "waiting": "blue", "due": "blue", "suppressed": "gray", "moved": "gray", "cancelled": "gray",
}  # fmt: skip


@get("/automations")
async def automations_page(request: Req) -> Response[bytes]:
    """All automations, each as a sentence, with what they did in the last 30 days."""
    async with visit(request) as here:
        here.unit.policy.require_design()
        connection = await here.unit.writer()
        until = here.unit.now + timedelta(minutes=1)
        log = {
            one["automation"]: one
            for one in await telling.expected(here.unit, connection, until - timedelta(days=30), until)
        }
        found = [one for one in here.unit.catalog.definitions.automations if not one.archived]
        cards = sorted((_card(here, one, log.get(one.name)) for one in found), key=lambda card: card.label.casefold())
        overdue = sum(one["overdue"] for one in log.values())
        return page(here, AutomationsPage(tuple(cards), overdue), shell(here, here.t("Automations"), place=PLACE))


@get("/automations/{name:str}")
async def automation_page(request: Req) -> Response[bytes]:
    """One automation, what it did, and on request what it would have done: `?past=6`."""
    async with visit(request) as here:
        here.unit.policy.require_design()
        wanted = request.query_params.get("past", "")
        months = min(int(wanted), 60) if wanted.isascii() and wanted.isdigit() and len(wanted) < 4 else 0
        automation = edit.find_automation(here.unit.catalog.definitions, request.path_params["name"])
        connection = await here.unit.writer()
        rows = await store.find(connection, here.unit.schema, automation_id=automation.id, limit=SHOWN * 4)
        rows = [one for one in rows if one.reason != "past"][:SHOWN]  # history that came in is no news
        found = await telling.runs(here.unit, connection, rows, steps=True)
        past = await _past(here, automation, months) if months else None
        card = _card(here, automation, None)
        view = AutomationPage(card, tuple(_run(here, one) for one in found), past, months or MONTHS)
        return page(here, view, shell(here, card.label, place=PLACE))


@post("/automations/{name:str}/state")
async def switch(request: Req) -> Response[bytes]:
    """Switch an automation on, or stop it."""
    caller = await caller_of(request)
    form = await form_of(request, caller)
    services, name = services_of(request), request.path_params["name"]
    state = form.text("state")
    async with visit(request, caller) as here:
        here.unit.policy.require_design()
        t = here.t
        label = _card(here, edit.find_automation(here.unit.catalog.definitions, name), None).label
    if state not in ("on", "paused", "draft"):
        return redirect(f"/automations/{name}")
    try:
        made = await plan_set(
            services.units,
            caller.workspace,
            caller.actor,
            lambda old: edit.patch_automation(old, name, {"state": state}),
        )
        await apply(services.units, caller.workspace, caller.actor, made, f"Automation {name}: {state}")
        await arming.bring_up_to_date(services.units, caller.workspace)
    except XrmError as refused:
        return redirect(f"/automations/{name}", toast=refused.problems[0].message, kind="bad")
    text = t("{name} is switched on", name=label) if state == "on" else t("{name} is switched off", name=label)
    return redirect(f"/automations/{name}", toast=text)


@post("/automations/{name:str}/runs/{id:str}")
async def decide(request: Req) -> Response[bytes]:
    """Let a run that waits for somebody go on, or not."""
    caller = await caller_of(request)
    form = await form_of(request, caller)
    name, wanted = request.path_params["name"], form.text("decision") == "run"
    async with visit(request, caller) as here:
        here.unit.policy.require_design()
        try:
            await runner.decide(here.unit, _id(request.path_params["id"]), run=wanted)
        except XrmError as refused:
            return redirect(f"/automations/{name}", toast=refused.problems[0].message, kind="bad")
    return redirect(f"/automations/{name}")


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise NotFound(Problem("not_found", "", "There is no such run.")) from None


def _card(here: Visit, automation: Automation, log: dict[str, Any] | None) -> AutomationCard:
    shown = telling.shown(here.unit, automation, here.locale[:2])
    states = {"on": here.t("On"), "paused": here.t("Paused"), "draft": here.t("Draft")}
    facts = []
    if log is not None:
        facts.append(here.plural("{count} run in 30 days", "{count} runs in 30 days", log["done"]))
        for key, text in (
            ("failed", here.t("failed")),
            ("asked", here.t("to be decided")),
            ("overdue", here.t("overdue")),
        ):
            if log[key]:
                facts.append(f"{log[key]} {text}")
    return AutomationCard(
        automation.name, shown["label_text"], shown["sentence"], automation.state, states[automation.state],
        _HUES[automation.state], tuple(facts),
    )  # fmt: skip


def _run(here: Visit, run: dict[str, Any]) -> RunView:
    record = run["record"]
    states = {
        "due": here.t("Due"), "asked": here.t("Waits for you"), "running": here.t("Running"), "waiting": here.t("Waiting"),
        "done": here.t("Done"), "suppressed": here.t("Not done"), "failed": here.t("Failed"), "moved": here.t("Moved"),
        "cancelled": here.t("Cancelled"),
    }  # fmt: skip
    steps = tuple(StepRowView(step["step"], step["state"], _detail(step["result"])) for step in run["steps"])
    return RunView(
        run["id"], record["title"] if record else "", f"/m/{record['module']}/{record['id']}" if record else "",
        states[run["state"]], _HUES[run["state"]], run["explanation"], run["due_at"], _moment(here, run["due_at"]),
        run["late"], run["state"] in ("asked", "failed"), steps,
    )  # fmt: skip


def _detail(result: dict[str, Any]) -> str:
    for key in ("reason", "subject", "text", "until", "url", "name"):
        if result.get(key):
            return str(result[key])[:200]
    return ", ".join(f"{key}: {len(value)}" for key, value in result.items() if isinstance(value, list) and value)


def _moment(here: Visit, text: str) -> str:
    return formats.instant(text, here.reader.locale, here.zone)


async def _past(here: Visit, automation: Automation, months: int) -> PastView:
    day = add_months(here.unit.now.date(), -months) or here.unit.now.date()
    since = here.unit.now.replace(year=day.year, month=day.month, day=day.day)
    found = await backtest(here.unit, automation, since, here.unit.now)
    module = automation.module
    lines = tuple(
        (_moment(here, one["at"]), one["title"], f"/m/{module}/{one['record']}" if one["record"] else "")
        for one in found["runs"]
        if one["state"] == "would_run"
    )[:200]
    conflicts = tuple((one["automation"], one["same_day"]) for one in found["conflicts"])
    return PastView(found["fired"], found["suppressed"], found["exact"], lines, conflicts)


HANDLERS: list[Any] = [automations_page, automation_page, switch, decide]
