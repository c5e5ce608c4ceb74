"""Automations in the browser: built by keyboard, tried, switched on, and their mail in a real server's box; a loop is refused."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Coroutine, Iterator
from dataclasses import replace
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.site import Site
from tests.browser.test_access import SMALL, violations
from tests.messaging.counterparts import Post, start_post
from xrm_core.automation import runner
from xrm_core.messaging.delivery import Delivery, run_due
from xrm_core.messaging.office import Server

CANDIDATES: dict[str, Any] = {
    "name": "candidates", "label": "Candidate", "label_plural": "Candidates", "title": "{{ name }}", "order": 30,
    "fields": [
        {"name": "name", "type": "text", "label": "Name", "required": True, "indexed": True, "searchable": True},
        {"name": "email", "type": "email", "label": "E-mail", "indexed": True},
    ],
}  # fmt: skip
INTERVIEWS: dict[str, Any] = {
    "name": "interviews", "label": "Interview", "label_plural": "Interviews", "title": "{{ role }}", "order": 40,
    "fields": [
        {"name": "role", "type": "text", "label": "Role", "required": True, "indexed": True, "searchable": True},
        {"name": "status", "type": "select", "label": "Status", "indexed": True, "default": "planned",
         "options": [{"name": "planned", "label": "Planned"}, {"name": "scheduled", "label": "Scheduled"}]},
        {"name": "starts_at", "type": "datetime", "label": "Starts"},
        {"name": "ends_at", "type": "datetime", "label": "Ends"},
        {"name": "place", "type": "text", "label": "Place"},
    ],
    "links": [{"name": "candidate", "label": "Candidate", "to": ["candidates"],
               "inverse": {"name": "interviews", "label": "Interviews"}}],
}  # fmt: skip
LATER = {"starts_at": "2026-04-09T08:00:00Z", "ends_at": "2026-04-09T09:00:00Z", "place": "Quay 4"}


@pytest.fixture(scope="module", autouse=True)
def site(database_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    found = Site(database_dsn, tmp_path_factory.mktemp("site")).start()
    for module in (CANDIDATES, INTERVIEWS):
        found.api("POST", "/modules", json=module)
    yield found
    found.stop()


def on_loop(site: Site, work: Coroutine[Any, Any, Any]) -> Any:
    """Do something in the product's own loop."""
    assert site._loop is not None
    return asyncio.run_coroutine_threadsafe(work, site._loop).result(120)


def deliver(site: Site, post: Post) -> None:
    """What a worker would do: the runs that are due, then the mails that wait."""

    async def work() -> None:
        assert site.process is not None and site.workspace is not None
        await runner.run_due(site.process.units, site.workspace)
        office = replace(
            site.process.services.office, smtp=Server("127.0.0.1", post.port, "none"), smtp_from="desk@xrm.test",
            public_url="https://xrm.test", private_hosts=True,
        )  # fmt: skip
        delivery = Delivery(site.process.units, office)
        await run_due(delivery, site.workspace)
        await delivery.stop(0)

    on_loop(site, work())


def ready(page: Page) -> None:
    """The builder is there and its element at work."""
    expect(page.locator("xrm-automation:defined")).to_be_visible()


def press(page: Page, name: str) -> None:
    """A button by keyboard; what it answers is on the page afterwards."""
    button = page.get_by_role("button", name=name, exact=True)
    button.focus()
    with page.expect_response(
        lambda answer: answer.request.method == "POST" and "check" not in (answer.request.post_data or "")[-400:]
    ):
        page.keyboard.press("Enter")


def arrow_to(page: Page, box: Locator, text: str) -> None:
    """Go to an option of a list by the arrow keys."""
    options = box.locator("option")
    expect(options.filter(has_text=text)).to_have_count(1)
    box.focus()
    expect(box).to_be_focused()
    for _ in range(options.all_inner_texts().index(text)):
        page.keyboard.press("ArrowDown")
    expect(box.locator("option:checked")).to_have_text(text)


def choose(page: Page, label: str, text: str, then: str) -> None:
    """Choose in a list by typing and add what was chosen; `then` is the place that appears."""
    arrow_to(page, page.get_by_label(label, exact=True), text)
    page.keyboard.press("Enter")
    expect(page.locator(f'[data-at="{then}"]')).to_be_visible()


def pick(page: Page, place: str, label: str, text: str) -> None:
    """Pick in a search by typing."""
    node = page.locator(f'[data-at="{place}"]')
    node.get_by_role("combobox", name=label).focus()
    page.keyboard.type(text)
    option = page.get_by_role("option", name=text)
    expect(option).to_be_visible()
    page.keyboard.press("Enter")
    expect(node.get_by_role("button", name=f"Remove {text}")).to_be_visible()


def put(page: Page, key: str, text: str) -> None:
    """Type into an input that is there."""
    area = page.locator(f'[name="{key}"]:not([type=hidden])')
    expect(area).to_be_visible()
    area.focus()
    page.keyboard.type(text)
    expect(area).to_have_value(text)


def test_W1_an_admin_builds_tries_and_switches_on_an_automation_by_keyboard_and_its_mail_arrives(
    page: Page, site: Site
) -> None:
    ada = site.api("POST", "/records/candidates", json={"name": "Ada Quill", "email": "ada@example.org"})
    one = {**LATER, "role": "Harbour pilot", "candidate": ada["id"]}
    site.api("POST", "/records/interviews", json={**one, "role": "Deck hand", "status": "scheduled"})
    planned = site.api("POST", "/records/interviews", json=one)
    post = Post()
    server = on_loop(site, start_post(post))

    page.goto(site.url + "/automations")
    page.get_by_role("link", name="New automation").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/automations/new")
    ready(page)
    put(page, "p/label/en", "Prepare the candidate")
    page.get_by_label("Records of").focus()
    page.keyboard.press("i")
    expect(page.locator("form.work[data-module=interviews]")).to_be_visible()
    choose(page, "Add to Triggers", "One of these values changes", "/triggers/0")
    pick(page, "/triggers/0", "Fields", "Status")
    expect(page.locator('[name="p/triggers/0/to"] option[value=scheduled]')).to_have_count(1)
    page.locator('[data-at="/triggers/0"] summary').focus()
    page.keyboard.press("Enter")
    pick(page, "/triggers/0", "Only to", "Scheduled")
    page.get_by_label("Also when created").focus()
    page.keyboard.press("Space")
    put(page, "p/when", "starts_at > now()")
    choose(page, "Add to Steps", "Send an e-mail", "/steps/0")
    choose(page, "Add to Recipients", "Candidate › E-mail", "/steps/0/to/0")
    expect(page.locator('[name="p/steps/0/to/0"]')).to_have_value("candidate.email")
    put(page, "p/steps/0/subject", "Your interview: {{ role }}")
    put(page, "p/steps/0/text", "Dear {{ candidate.nam }}, we meet at {{ place }}.")
    expect(page.locator("[data-sentence]")).to_contain_text(
        re.compile(r"When Status changes to scheduled and .*start.*: send “Your interview: ", re.I)
    )
    # What is wrong stands at its place, with what was probably meant.
    press(page, "Save and switch on")
    wrong = page.locator('[data-at="/steps/0/text"] > .err')
    expect(wrong).to_contain_text("Did you mean name?")
    area = page.locator('[name="p/steps/0/text"]')
    expect(area).to_be_focused()
    page.keyboard.press("Control+a")
    page.keyboard.type("Dear {{ candidate.name }}, we meet at {{ place }}.")
    expect(wrong).to_have_count(0)
    press(page, "Invitation")
    put(page, "p/steps/0/invitation/start", "starts_at")
    put(page, "p/steps/0/invitation/end", "ends_at")
    put(page, "p/steps/0/invitation/title", "Interview {{ role }}")

    press(page, "Test with this record")
    tried = page.locator(".tried .mail")
    expect(tried).to_contain_text("Dear Ada Quill, we meet at Quay 4.")
    expect(tried).to_contain_text("Interview Harbour pilot")
    press(page, "Back-test")
    expect(page.locator(".try-results")).to_contain_text("It would have run 1 times")
    expect(page.locator(".fired")).to_contain_text("Deck hand")
    deliver(site, post)
    assert post.box == []
    press(page, "Save and switch on")
    page.wait_for_url("**/automations/prepare_the_candidate")
    expect(page.get_by_role("button", name="Pause")).to_be_visible()

    page.goto(f"{site.url}/m/interviews/{planned['id']}/edit")
    status = page.get_by_label("Status")
    status.focus()
    page.keyboard.press("s")
    expect(status).to_have_value("scheduled")
    page.get_by_role("button", name="Save").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/m/interviews/{planned['id']}")
    deliver(site, post)
    [letter] = post.to("ada@example.org")
    assert letter.mail["Subject"] == "Your interview: Harbour pilot"
    assert "Dear Ada Quill, we meet at Quay 4." in letter.part("text/plain")
    invitation = letter.part("text/calendar")
    assert "METHOD:REQUEST" in invitation and "SUMMARY:Interview Harbour pilot" in invitation
    assert "20260409T080000Z" in invitation
    page.goto(site.url + "/automations/prepare_the_candidate")
    expect(page.locator(".pack-group").first).to_contain_text("Done")
    on_loop(site, _close(server))


async def _close(server: asyncio.Server) -> None:
    server.close()


def test_W2_a_loop_is_refused_with_its_reason_at_its_place(page: Page, site: Site) -> None:
    site.api("POST", "/automations", json={
        "name": "watch", "label": "Watch", "module": "interviews", "triggers": [{"kind": "changed", "fields": ["place"]}],
        "steps": [{"do": "notify", "text": "It moved to {{ place }}"}],
    })  # fmt: skip
    page.goto(site.url + "/automations/watch/edit")
    ready(page)
    choose(page, "Add to Steps", "Change values", "/steps/1")
    key = page.locator('[name="p/steps/1/values/0/k"]')
    arrow_to(page, key, "Place")
    put(page, "p/steps/1/values/0/v", "role")
    press(page, "Save and switch on")
    problem = page.locator('[data-at="/steps/1"] > .err')
    expect(problem).to_contain_text("'watch' changes what sets it going: it would run again and again.")
    expect(problem).to_contain_text("set 'once_per'")
    assert site.api("GET", "/automations/watch")["state"] == "draft"
    # The way out by keyboard: the step goes up, then away; the rest can be kept.
    page.locator('[name="p/steps/1/values/0/v"]').focus()
    page.keyboard.press("Alt+ArrowUp")
    expect(page.locator('[data-at="/steps/0"] h3')).to_have_text("Change values")
    press(page, "Remove Change values")
    expect(page.locator('[data-at="/steps/1"]')).to_have_count(0)
    press(page, "Save")
    page.wait_for_url("**/automations/watch")


WHOLE: dict[str, Any] = {
    "name": "whole", "label": {"en": "Everything at once", "de": "Alles auf einmal"}, "module": "interviews",
    "triggers": [
        {"kind": "changed", "fields": ["status"], "to": ["scheduled"]},
        {"kind": "date", "field": "starts_at", "offsets": [{"value": -1, "unit": "days"}]}, {"kind": "cron", "at": ["07:00"]},
    ],
    "when": "status == 'scheduled'", "once_per": ["id"], "quiet": {"from": "21:00"},
    "steps": [
        {"do": "mail", "to": ["candidate.email"], "subject": "{{ role }}", "text": "x", "texts": {"de": "y"},
         "invitation": {"start": "starts_at", "title": "{{ role }}"}, "tables": [{"label": "Open", "module": "interviews"}]},
        {"do": "branch", "if": "is_empty(place)", "then": [{"do": "wait", "for": {"value": 2, "unit": "hours"}}],
         "else": [{"do": "update", "values": {"place": "'Quay 4'"}}]},
    ],
}  # fmt: skip


def test_A1_A5_A6_the_builder_in_both_themes_and_all_widths(page: Page, site: Site, axe: str) -> None:
    site.api("POST", "/automations", json=WHOLE)
    wrong: dict[str, Any] = {}
    for path in ("/automations/whole/edit", "/automations/whole", "/automation-log", "/automations"):
        page.goto(site.url + path)
        page.evaluate(axe)
        for width, theme in ((1440, "light"), (390, "dark")):
            page.set_viewport_size({"width": width, "height": 900})
            page.emulate_media(color_scheme=theme, reduced_motion="reduce")  # type: ignore[arg-type]
            if found := violations(page):
                wrong[f"{path} {width} {theme}"] = found
        if small := page.evaluate(SMALL):
            wrong[f"{path} targets"] = small
        page.set_viewport_size({"width": 320, "height": 800})
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            wrong[f"{path} sideways"] = True
    assert wrong == {}


def test_a_condition_is_built_from_rows_and_the_same_automation_is_json(page: Page, site: Site) -> None:
    page.goto(site.url + "/automations/new?module=interviews")
    ready(page)
    field = page.locator('[data-at="/when"]')
    button = field.get_by_role("button", name="Conditions")
    expect(button).to_be_visible()
    button.focus()
    page.keyboard.press("Enter")
    popup = page.locator("#rows-pop")
    first = popup.get_by_role("combobox", name="Field").first
    expect(first).to_be_focused()
    page.keyboard.type("Role")
    expect(page.get_by_role("option", name="Role", exact=True)).to_be_visible()
    page.keyboard.press("Enter")
    operator = popup.get_by_label("Condition", exact=True)
    expect(operator).to_be_visible()
    value = popup.get_by_label("Value", exact=True)
    value.focus()
    page.keyboard.type("pilot")
    with page.expect_response(lambda answer: "/filters" in answer.url and "pilot" in (answer.request.post_data or "")):
        page.keyboard.press("Control+Enter")
    expect(popup).to_be_hidden()
    text = page.locator('[name="p/when"]')
    expect(text).to_have_value(re.compile("role.*pilot"))
    expect(text).to_be_focused()
    press(page, "JSON")
    area = page.get_by_label("The automation as JSON")
    expect(area).to_have_value(re.compile('"when": "[^"]*pilot'))
    area.focus()
    page.keyboard.press("Control+a")
    page.keyboard.type("{")
    expect(page.locator("[data-json-error]")).to_contain_text("Line 1")
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(
        '{"label": "From JSON", "module": "interviews", "triggers": [{"kind": "created"}], "steps": [{"do": "stop"}]}'
    )
    expect(page.locator("[data-json-error]")).to_be_hidden()
    press(page, "Form")
    expect(page.locator('[name="p/label/en"]')).to_have_value("From JSON")
    expect(page.locator('[data-at="/steps/0"] h3')).to_have_text("Stop here")
