"""Pages about automations: what there is as sentences, what ran, switched on and off, tried over the past."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from litestar import Response, get, post

from xrm_core.automation import arming, runner, telling
from xrm_core.definitions import edit
from xrm_core.definitions.automation import Automation
from xrm_core.kernel.errors import NotFound, XrmError
from xrm_core.kernel.labels import label_text
from xrm_core.kernel.problem import Problem
from xrm_core.publishing import apply
from xrm_core.publishing.history import history, version_dict
from xrm_core.publishing.planning import plan_set
from xrm_core.storage import occurrences as store
from xrm_core.web.automation_tried import detail, moment, past_view, step_label, step_state
from xrm_core.web.editing import form_of
from xrm_core.web.frame import page, redirect, shell
from xrm_core.web.services import Req, Visit, caller_of, services_of, visit
from xrm_core.web.views_automations import (
    AutomationCard,
    AutomationPage,
    AutomationsPage,
    LogPage,
    LogRow,
    RunView,
    StepRowView,
    VersionRow,
)

PLACE = "automations"
SHOWN = 50
MONTHS = 6
DAYS = 30
HISTORY = 200
"""Versions of the definitions among which those are looked for that changed an automation."""
HUES = {
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
        waiting = sum(one["asked"] + one["failed"] for one in log.values())
        return page(
            here, AutomationsPage(tuple(cards), overdue, waiting), shell(here, here.t("Automations"), place=PLACE)
        )


@get("/automation-log")
async def automation_log(request: Req) -> Response[bytes]:
    """Expected against fired: what was due in the last days, what became of it, and why not; `days` says how many."""
    async with visit(request) as here:
        here.unit.policy.require_design()
        wanted = request.query_params.get("days", "")
        days = min(max(int(wanted), 1), 3660) if wanted.isascii() and wanted.isdigit() and len(wanted) < 5 else DAYS
        until = here.unit.now + timedelta(minutes=1)
        found = await telling.expected(here.unit, await here.unit.writer(), until - timedelta(days=days), until)
        labels = {
            one.name: label_text(one.label, here.locale)
            for one in here.unit.catalog.definitions.automations
            if not one.archived
        }
        for one in found:
            one["expected"] -= one["suppressed"].pop("past", 0)  # history that came in is no news
        found = [one for one in found if one["expected"] or one["suppressed"]]
        rows = tuple(_log_row(here, one, labels) for one in found)
        view = LogPage(
            tuple(sorted(rows, key=lambda row: (-row.overdue, row.label.casefold()))),
            days,
            sum(row.overdue for row in rows),
        )
        return page(here, view, shell(here, here.t("Expected and fired"), place=PLACE))


def _log_row(here: Visit, told: dict[str, Any], labels: dict[str, str]) -> LogRow:
    name = told["automation"]
    reasons = tuple(
        (here.t(telling.REASONS.get(reason, reason)), count) for reason, count in sorted(told["suppressed"].items())
    )
    return LogRow(
        labels.get(name, name), f"/automations/{name}" if name in labels else "", told["expected"], told["done"], told["late"],
        told["waiting"], told["asked"], told["failed"], told["overdue"], reasons,
    )  # fmt: skip


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
        past = await past_view(here, automation, months) if months else None
        card = _card(here, automation, None)
        versions = await _versions(here, automation)
        view = AutomationPage(card, tuple(_run(here, one) for one in found), past, months or MONTHS, versions)
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


@post("/automations/{name:str}/retire")
async def retire(request: Req) -> Response[bytes]:
    """Take an automation out of service for good; its runs stay known."""
    caller = await caller_of(request)
    await form_of(request, caller)
    units, name = services_of(request).units, request.path_params["name"]
    async with visit(request, caller) as here:
        here.unit.policy.require_design()
        text = here.t(
            "{name} was retired",
            name=_card(here, edit.find_automation(here.unit.catalog.definitions, name), None).label,
        )
    try:
        made = await plan_set(units, caller.workspace, caller.actor, lambda old: edit.remove_automation(old, name))
        await apply(units, caller.workspace, caller.actor, made, f"Automation {name}: retired")
        await arming.bring_up_to_date(units, caller.workspace)
    except XrmError as refused:
        return redirect(f"/automations/{name}", toast=refused.problems[0].message, kind="bad")
    return redirect("/automations", toast=text)


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


def state_words(here: Visit) -> dict[str, str]:
    """What the states of automations are called."""
    return {"on": here.t("On"), "paused": here.t("Paused"), "draft": here.t("Draft")}


async def _versions(here: Visit, automation: Automation) -> tuple[VersionRow, ...]:
    """The published versions in which it changed, the newest first."""
    path = f"automation/{automation.id}"
    connection = await here.unit.writer()
    found = await history(connection, here.unit.schema, limit=HISTORY)
    rows = []
    for version in found.versions:
        told = version_dict(version)
        if any(one["path"] == path or str(one["path"]).startswith(path + "/") for one in told["changes"]):
            who = version.author.get("name") or "?"
            rows.append(VersionRow(version.number, who, told["at"], moment(here, told["at"]), version.summary))
    return tuple(rows)


def _card(here: Visit, automation: Automation, log: dict[str, Any] | None) -> AutomationCard:
    shown = telling.shown(here.unit, automation, here.locale[:2])
    states = state_words(here)
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
        HUES[automation.state], tuple(facts),
    )  # fmt: skip


def _run(here: Visit, run: dict[str, Any]) -> RunView:
    record = run["record"]
    states = {
        "due": here.t("Due"), "asked": here.t("Waits for you"), "running": here.t("Running"), "waiting": here.t("Waiting"),
        "done": here.t("Done"), "suppressed": here.t("Not done"), "failed": here.t("Failed"), "moved": here.t("Moved"),
        "cancelled": here.t("Cancelled"),
    }  # fmt: skip
    steps = tuple(
        StepRowView(step_label(here, step["step"]), step_state(here, step["state"]), detail(here, step["result"]))
        for step in run["steps"]
    )
    return RunView(
        run["id"], record["title"] if record else "", f"/m/{record['module']}/{record['id']}" if record else "",
        states[run["state"]], HUES[run["state"]], here.t(run["explanation"]), run["due_at"], moment(here, run["due_at"]),
        run["late"], run["state"] in ("asked", "failed"), steps, run["version"] or 0,
    )  # fmt: skip


HANDLERS: list[Any] = [automations_page, automation_log, automation_page, switch, retire, decide]
