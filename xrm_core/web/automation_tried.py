"""What an automation would do or would have done, as pages show it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from xrm_core.automation import arming
from xrm_core.automation.backtest import backtest
from xrm_core.definitions.automation import Automation
from xrm_core.kernel.dates import add_months
from xrm_core.kernel.labels import label_text
from xrm_core.web import formats
from xrm_core.web.automation_inputs import kinds, resolved, schema, title_of
from xrm_core.web.services import Visit
from xrm_core.web.views_automations import PastView, TriedStep, TriedView

MOST_LINES = 200
HUES = {"done": "green", "yes": "green", "failed": "red", "waiting": "blue", "put_off": "blue", "stopped": "amber"}


def step_label(here: Visit, name: str) -> str:
    """What a kind of step is called."""
    own = kinds(resolved(schema()["properties"]["steps"])).get(name)
    return here.t(title_of(own)[0]) if own is not None else name


def step_state(here: Visit, state: str) -> str:
    """What the state of a step is called."""
    t = here.t
    words = {
        "done": t("Done"), "failed": t("Failed"), "suppressed": t("Not done"), "skipped": t("Nothing to do"), "waiting": t("Waits"),
        "put_off": t("Waits"), "stopped": t("Stops here"), "yes": t("Yes"), "no": t("No"),
    }  # fmt: skip
    return words.get(state, state)


def moment(here: Visit, text: str) -> str:
    """An instant as the visitor reads it."""
    return formats.instant(text, here.reader.locale, here.zone)


def detail(here: Visit, result: dict[str, Any]) -> str:
    """What there is to say about a step beyond its state."""
    if result.get("problems"):
        return " ".join(f"{one['message']} {one.get('hint', '')}".strip() for one in result["problems"])
    if result.get("until"):
        return here.t("until {moment}", moment=moment(here, result["until"]))
    for key in ("reason", "subject", "text", "url", "name"):
        if result.get(key):
            return str(result[key])[:200]
    return ", ".join(f"{key}: {len(value)}" for key, value in result.items() if isinstance(value, list) and value)


async def tried_view(here: Visit, automation: Automation, record: str, found: dict[str, Any]) -> TriedView:
    """A trial with one record."""
    title, url = "", ""
    module = here.unit.catalog.find(automation.module) if automation.module else None
    if module is not None and record:
        row = await arming.row_of(await here.unit.writer(), module, UUID(record))
        title, url = (row.title if row is not None else ""), f"/m/{module.name}/{record}"
    labels = {one.name: label_text(one.label, here.locale) for one in here.unit.catalog.definitions.automations}
    return TriedView(
        title, url, found["condition"], tuple(_step(here, one) for one in found["steps"]),
        tuple(_change(here, one) for one in found["changes"]), tuple(labels.get(one, one) for one in found["sets_off"]),
    )  # fmt: skip


def _step(here: Visit, step: dict[str, Any]) -> TriedStep:
    mail, result = step.get("mail") or {}, step.get("result") or {}
    entry = result.get("invitation")
    invitation = None
    if isinstance(entry, dict):
        invitation = (
            moment(here, entry["start"]),
            moment(here, entry["end"]),
            entry.get("title", ""),
            entry.get("place", ""),
        )
    told = "" if mail and step["state"] == "done" else detail(here, result)
    return TriedStep(
        step_label(here, step["step"]), step_state(here, step["state"]), HUES.get(step["state"], "gray"), told,
        tuple(mail.get("to", ())), mail.get("subject", ""), mail.get("text", ""), invitation,
    )  # fmt: skip


def _change(here: Visit, change: dict[str, Any]) -> tuple[str, str, str]:
    t = here.t
    module = here.unit.catalog.find(change["module"])
    label = module.definition.text(here.locale) if module is not None else change["module"]
    words = {"created": t("created"), "updated": t("changed"), "archived": t("archived"), "moved": t("moved")}
    parts = []
    for key, value in change["changes"].items():
        known = module.fields_by_id.get(key) or module.links_by_id.get(key) if module is not None else None
        name = label_text(known.definition.label, here.locale) if known is not None else key.replace("_", " ")
        value = value[1] if isinstance(value, list) and len(value) == 2 and change["kind"] != "created" else value
        if value is not None and key not in ("title", "version"):
            parts.append(f"{name}: {_short(here, value)}")
    return (
        f"{label} · {words.get(change['kind'], change['kind'])}",
        f"/m/{change['module']}/{change['record']}" if change["kind"] != "created" else "",
        "; ".join(parts),
    )


def _short(here: Visit, value: Any) -> str:
    if isinstance(value, str) and len(value) == 27 and value.endswith("Z"):
        return moment(here, value)
    text = value if isinstance(value, str) else str(value)
    return text if len(text) < 120 else text[:119] + "…"


async def past_view(here: Visit, automation: Automation, months: int) -> PastView:
    """What it would have done in the last months."""
    day = add_months(here.unit.now.date(), -months) or here.unit.now.date()
    since = here.unit.now.replace(year=day.year, month=day.month, day=day.day)
    found = await backtest(here.unit, automation, since, here.unit.now)
    runs = [one for one in found["runs"] if one["state"] == "would_run"]
    lines = tuple(
        (moment(here, one["at"]), one["title"], f"/m/{automation.module}/{one['record']}" if one["record"] else "")
        for one in runs
    )[:MOST_LINES]
    labels = {one.name: label_text(one.label, here.locale) for one in here.unit.catalog.definitions.automations}
    conflicts = tuple((labels.get(one["automation"], one["automation"]), one["same_day"]) for one in found["conflicts"])
    people = len({one["record"] for one in runs if one["record"]})
    return PastView(found["fired"], found["suppressed"], found["exact"], lines, conflicts, people, months)
