"""Definitions of automations: what is checked when they are published, how they read, and that renames reach them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.automation.office import automation, office
from xrm_core.definitions.automation import Automation
from xrm_core.definitions.checks import check
from xrm_core.definitions.collection import DefinitionSet, body
from xrm_core.definitions.edit import patch_module, patch_part, replace
from xrm_core.definitions.reading import read
from xrm_core.definitions.triggers import Tell
from xrm_core.definitions.triggers.base import Due
from xrm_core.kernel.errors import Invalid

FULL = automation(
    "full",
    triggers=[{"kind": "changed", "fields": ["members_count", "seats"], "on_create": True}],
    when="members_count >= seats and stage == 'open' and before.stage != 'full'",
    at_once=True,
    steps=[{"do": "move", "stage": "full"}, {"do": "notify", "to": ["owner"], "text": "{{ name }} is full"}],
)
NURTURE = automation(
    "nurture",
    triggers=[{"kind": "every", "every": {"value": 90, "unit": "days"}, "since": ["last_call", "created_at"]}],
    when="none(tasks, not done) and not client.opted_out",
    exit_when="stage == 'lost'",
    steps=[
        {"do": "mail", "to": ["client.email"], "subject": "Hello {{ client.name }}", "text": "How is {{ name }}?",
         "purpose": "marketing", "allowed_when": "not client.opted_out"},
        {"do": "wait", "for": {"value": 7, "unit": "days"}},
        {"do": "branch", "if": "last_call == none", "then": [{"do": "task", "title": "Call {{ client.name }}", "due": "today() + days(1)"}],
         "else": [{"do": "stop"}]},
    ],
)  # fmt: skip


def codes(*automations: Automation) -> list[tuple[str, str]]:
    return [(problem.code, problem.path) for problem in check(office(*automations))]


def test_good_automations_have_no_problems() -> None:
    assert check(office(FULL, NURTURE)) == []


def test_a_set_with_automations_is_written_and_read_again() -> None:
    whole = office(FULL, NURTURE)
    assert DefinitionSet.from_json(whole.as_json()).hash == whole.hash
    assert DefinitionSet.model_validate(whole.snapshot()) == whole


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"module": "project"}, ("missing", "/automations/x/module")),
        ({"when": "nmae == 'x'"}, ("unknown_field", "/automations/x/when")),
        ({"triggers": [{"kind": "date", "field": "start_on"}]}, ("missing", "/automations/x/triggers/0/field")),
        ({"triggers": [{"kind": "date", "field": "name"}]}, ("type", "/automations/x/triggers/0/field")),
        ({"triggers": [{"kind": "stage_entered", "stages": ["opne"]}]}, ("missing", "/automations/x/triggers/0/stages/0")),
        ({"steps": [{"do": "mail", "to": ["client.email"], "subject": "Dear {{ client.nam }}", "text": "x"}]},
         ("unknown_field", "/automations/x/steps/0/subject")),
        ({"steps": [{"do": "mail", "to": ["role:chief"], "subject": "x", "text": "x"}]}, ("missing", "/automations/x/steps/0/to/0")),
        ({"steps": [{"do": "branch", "if": "active", "then": [{"do": "move", "stage": "no"}]}]},
         ("missing", "/automations/x/steps/0/then/0/stage")),
        ({"steps": [{"do": "update", "values": {"members_count": 3}}]}, ("computed", "/automations/x/steps/0/values/members_count")),
        ({"steps": [{"do": "update", "values": {"starts_on": "name"}}]}, ("type", "/automations/x/steps/0/values/starts_on")),
        ({"steps": [{"do": "update", "of": "clint", "values": {"name": "'x'"}}]}, ("path", "/automations/x/steps/0/of")),
        ({"steps": [{"do": "enrol", "automation": "nobody"}]}, ("missing", "/automations/x/steps/0/automation")),
        ({"steps": [{"do": "wait", "until": "name"}]}, ("type", "/automations/x/steps/0/until")),
        ({"at_once": True, "steps": [{"do": "webhook", "url": "https://example.org/"}]}, ("contradiction", "/automations/x/steps/0/do")),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_place(changes: dict[str, Any], expected: tuple[str, str]) -> None:
    wrong = automation("x", **{"triggers": [{"kind": "created"}], "steps": [{"do": "stop"}], **changes})
    found = codes(wrong)
    assert expected[1] in [path for _, path in found], found
    assert len(found) == 1


def test_W2_loops_are_refused_with_the_way_round() -> None:
    alone = automation("alone", triggers=[{"kind": "changed", "fields": ["count"]}],
                       steps=[{"do": "update", "values": {"count": "count + 1"}}])  # fmt: skip
    found = check(office(alone))
    assert [(p.code, p.path) for p in found] == [("loop", "/automations/alone/steps/0")]
    assert "again and again" in found[0].message
    one = automation("one", triggers=[{"kind": "changed", "fields": ["note"]}], steps=[{"do": "update", "values": {"count": 1}}])
    two = automation("two", triggers=[{"kind": "changed", "fields": ["count"]}], steps=[{"do": "update", "values": {"note": "'x'"}}])
    found = check(office(one, two))
    assert [p.code for p in found] == ["loop"] and "one → two → one" in found[0].message
    other_value = automation("two", triggers=[{"kind": "changed", "fields": ["count"], "to": [2]}],
                             steps=[{"do": "update", "values": {"note": "'x'"}}])  # fmt: skip
    assert check(office(one, other_value)) == []
    guarded = alone.model_copy(update={"once_per": ("id",)})
    assert check(office(guarded)) == []


def test_shapes_that_mean_nothing_are_refused() -> None:
    for changes in (
        {"steps": []},
        {"triggers": []},
        {"triggers": [{"kind": "never"}]},
        {"steps": [{"do": "wait"}]},
        {"triggers": [{"kind": "cron", "at": ["25:00"]}]},
        {"triggers": [{"kind": "cron", "at": ["07:00"], "days": [0]}]},
        {"steps": [{"do": "branch", "if": "active", "then": [{"do": "nothing"}]}]},
    ):
        with pytest.raises(Invalid):
            automation("x", **{"triggers": [{"kind": "created"}], "steps": [{"do": "stop"}], **changes})


def test_names_follow_renames() -> None:
    renamed = patch_part(office(FULL, NURTURE), "projects", "fields", "members_count", {"name": "taken"})
    full = renamed.automations[0]
    assert body(full)["triggers"][0]["fields"] == ["taken", "seats"]
    assert full.when == "taken >= seats and stage == 'open' and before.stage != 'full'"
    renamed = patch_part(renamed, "clients", "fields", "name", {"name": "firm"})
    assert body(renamed.automations[1])["steps"][0]["subject"] == "Hello {{ client.firm }}"
    assert body(renamed.automations[1])["steps"][2]["then"][0]["title"] == "Call {{ client.firm }}"
    renamed = patch_module(renamed, "projects", {"name": "works"})
    assert {one.module for one in renamed.automations} == {"works"}
    assert check(renamed) == []


def test_automations_are_put_in_and_taken_out_with_whole_sets() -> None:
    data = {"automations": [body(FULL)]}
    found = replace(office(), data)
    assert [one.name for one in found.automations] == ["full"]
    gone = replace(found, {"remove": ["automation/full"]})
    assert gone.automation("full") is None and gone.automations[0].archived


def test_sentences_in_two_languages() -> None:
    def tell(language: str) -> Tell:
        return Tell(language, lambda name: name.replace("_", " ").title(), str.title)

    assert FULL.sentence(tell("en")).startswith("When Members Count / Seats changes and members_count >= seats")
    german = NURTURE.sentence(tell("de"))
    assert german.startswith("Alle 90 Tage nach Last Call / Created At")
    assert "warte 7 Tage" in german


def moments(trigger: dict[str, Any], values: dict[str, Any], zone: str = "Europe/Berlin") -> list[tuple[str, datetime]]:
    made = read(Automation, {"name": "x", "label": "X", "module": "m", "triggers": [trigger], "steps": [{"do": "stop"}]})
    found: list[Due] = list(made.triggers[0].due(values.get, ZoneInfo(zone)))  # type: ignore[union-attr]
    return [(one.mark, one.at) for one in found]


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_days_after_a_date_are_counted_on_the_calendar() -> None:
    trigger = {"kind": "date", "field": "d", "at": "09:00",
               "offsets": [{"value": -14, "unit": "days"}, {"value": 1, "unit": "months"}, {"value": 2, "unit": "business_days"}]}  # fmt: skip
    found = dict(moments(trigger, {"d": date(2026, 1, 31)}))
    assert found == {
        "-14days": at("2026-01-17T08:00"),
        "+1months": at("2026-02-28T08:00"),
        "+2business_days": at("2026-02-03T08:00"),
    }
    spring = {"kind": "date", "field": "d", "at": "02:30"}
    assert moments(spring, {"d": date(2026, 3, 29)}) == [("+0days", at("2026-03-29T01:30"))]  # skipped: 03:30 in summer
    assert moments(spring, {"d": date(2026, 10, 25)}) == [("+0days", at("2026-10-25T00:30"))]  # twice: the first


def test_weekends_are_rolled_and_hours_are_exact() -> None:
    trigger = {"kind": "date", "field": "d", "roll": "next_business_day", "offsets": [{"value": 30, "unit": "days"}]}
    assert moments(trigger, {"d": date(2026, 1, 1)}) == [("+30days", at("2026-02-02T08:00"))]  # 31 Jan is a Saturday
    hours = {"kind": "date", "field": "t", "offsets": [{"value": -24, "unit": "hours"}]}
    assert moments(hours, {"t": at("2026-03-29T10:00")}) == [("-24hours", at("2026-03-28T10:00"))]
    days = {"kind": "date", "field": "t", "offsets": [{"value": -1, "unit": "days"}]}
    assert moments(days, {"t": at("2026-03-29T10:00")}) == [("-1days", at("2026-03-28T11:00"))]  # 12:00 on the wall both days
    assert moments(days, {"t": None}) == []


def test_times_of_the_calendar() -> None:
    made = read(Automation, {"name": "x", "label": "X", "triggers": [{"kind": "cron", "at": ["07:00"], "weekdays": ["monday"]},
                {"kind": "cron", "at": ["23:30"], "days": [-1]}, {"kind": "cron", "at": ["12:00"], "days": [29], "months": [2]}],
                "steps": [{"do": "stop"}]})  # fmt: skip
    weekly, month_end, leap = made.triggers
    zone = ZoneInfo("America/New_York")
    assert weekly.following(at("2026-03-02T11:59"), zone) == at("2026-03-02T12:00")  # type: ignore[union-attr]
    assert weekly.following(at("2026-03-02T12:00"), zone) == at("2026-03-09T11:00")  # type: ignore[union-attr]
    assert month_end.following(at("2026-02-20T00:00"), zone) == at("2026-03-01T04:30")  # type: ignore[union-attr]
    assert leap.following(at("2026-02-20T00:00"), zone) == at("2028-02-29T17:00")  # type: ignore[union-attr]
