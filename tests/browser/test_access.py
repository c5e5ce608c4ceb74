"""Checks of every page: axe, one heading, keyboard, narrow windows, targets, languages, no scripts, hidden fields, hostile text."""

from __future__ import annotations

import calendar
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, StorageState, expect

from tests.browser.conftest import Opening
from tests.browser.site import PASSWORD, Site
from tests.browser.work import cookies_of, make_work
from xrm_core.web import i18n
from xrm_core.web.assets import read
from xrm_core.web.build import DIST

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
HOSTILE = '<script>window.pwned=1</script>"><img src=x onerror="window.pwned=1">'
HIDDEN = "cobalt-ninety-one"
HIDDEN_LABEL = "Cipher rule"
VAULTS: dict[str, Any] = {
    "name": "vaults", "label": "Vault", "label_plural": "Vaults", "icon": "lock", "title": "{{ name }}", "order": 60,
    "fields": [
        {"name": "name", "type": "text", "label": "Name", "required": True, "searchable": True},
        {"name": "cipher", "type": "text", "label": HIDDEN_LABEL, "searchable": True, "indexed": True},
    ],
    "pipelines": [{"name": "way", "label": "Stage", "field": "stage", "stages": [
        {"name": "shut", "label": "Shut", "category": "open"}, {"name": "open", "label": "Open", "category": "won"}]}],
}  # fmt: skip
TRAPS: dict[str, Any] = {
    "name": "traps", "label": HOSTILE, "label_plural": HOSTILE + "s", "icon": "box", "title": "{{ name }}", "order": 70,
    "description": HOSTILE,
    "fields": [
        {"name": "name", "type": "text", "label": HOSTILE, "required": True, "searchable": True, "help": HOSTILE},
        {"name": "kind", "type": "select", "label": "Kind", "options": [{"name": "one", "label": HOSTILE}]},
        {"name": "text", "type": "rich_text", "label": "Text"},
        {"name": "due", "type": "date", "label": "Due", "indexed": True},
        {"name": "cost", "type": "money", "label": "Cost", "currency": "EUR", "indexed": True},
    ],
    "pipelines": [{"name": "way", "label": HOSTILE, "field": "stage", "stages": [
        {"name": "set", "label": HOSTILE, "category": "open"}, {"name": "sprung", "label": "Sprung", "category": "won"}]}],
    "task": {"assignee": "owner", "due": "due", "done_when": "stage == 'sprung'"},
    "views": [{"name": "all", "label": HOSTILE, "default": True, "columns": ["name", "kind", "text", "due", "cost"], "attention": True}],
}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def site(database_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    found = Site(database_dsn, tmp_path_factory.mktemp("access")).start()
    make_work(found)
    yield found
    found.stop()


def first(site: Site, module: str) -> str:
    return str(site.api("GET", f"/records/{module}", params={"limit": "1", "sort": "title"})["data"][0]["id"])


def paths(page: Page, site: Site, module: str = "orders") -> list[str]:
    """The address of every kind of page, with all layouts that the module offers."""
    page.goto(f"{site.url}/m/{module}")
    links = page.get_by_role("navigation", name="Layout").get_by_role("link")
    layouts = [str(links.nth(n).get_attribute("href")) for n in range(links.count())]
    record = f"/m/{module}/{first(site, module)}"
    return [
        "/today", "/notifications", "/settings", "/imports", "/search?q=oak", "/nowhere", f"/m/{module}", *layouts,
        record, f"{record}/edit", f"/m/{module}/new",
    ]  # fmt: skip


def violations(page: Page) -> list[Any]:
    found: list[Any] = page.evaluate(
        """async (tags) => (await axe.run(document, {runOnly: tags, resultTypes: ['violations']})).violations
        .map((v) => [v.id, v.nodes.slice(0, 3).map((n) => n.html.slice(0, 160))])""",
        TAGS,
    )
    return found


SMALL = """() => [...document.querySelectorAll('button, input:not([type=hidden]), select, textarea, nav a, .btn, summary')]
    .filter((e) => e.checkVisibility({opacityProperty: true, visibilityProperty: true}) && !e.matches('.vh, .vh *'))
    .map((e) => [e, (e.matches('[type=checkbox], [type=radio]') && e.closest('label') || e).getBoundingClientRect()])
    .filter(([, r]) => r.width && r.height && (r.height < 23.5 || r.width < 23.5))
    .map(([e]) => e.outerHTML.slice(0, 140))"""


def test_A1_A2_A3_A5_A6_every_page_in_both_themes_and_all_widths(
    opening: Opening, session: StorageState, site: Site, axe: str
) -> None:
    page = opening(storage_state=session, reduced_motion="reduce")
    wrong: dict[str, Any] = {}
    for path in paths(page, site):
        page.goto(site.url + path)
        page.wait_for_load_state("load")
        counts = page.evaluate(
            "['h1', 'main', 'title'].map((name) => document.querySelectorAll(`${name}:not(svg *)`).length)"
        )
        if counts != [1, 1, 1]:
            wrong[f"{path} h1, main, title"] = counts
        page.evaluate(axe)
        for width, theme in ((1440, "light"), (1440, "dark"), (1024, "light"), (390, "dark"), (390, "light")):
            page.set_viewport_size({"width": width, "height": 900})
            page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
            found = violations(page)
            if found:
                wrong[f"{path} {width} {theme}"] = found
        small = page.evaluate(SMALL)
        if small:
            wrong[f"{path} small targets"] = small
        page.set_viewport_size({"width": 320, "height": 700})
        if page.evaluate("document.documentElement.scrollWidth") > 320:
            wrong[f"{path} 320"] = page.evaluate(
                "[...document.querySelectorAll('body *')].filter((e) => e.getBoundingClientRect().right > 321 && e.checkVisibility())"
                ".slice(0, 5).map((e) => e.outerHTML.slice(0, 120))"
            )
        page.set_viewport_size({"width": 1440, "height": 900})
        page.emulate_media(color_scheme="light")
    assert not wrong, json.dumps(wrong, indent=1)[:6000]


FOCUSED = """() => {
    const e = document.activeElement;
    if (!e || e === document.body) return null;
    const ring = (s) => s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) > 0;
    const chain = [e, e.parentElement, e.closest('.combo, .find, .task, .card, .row, .field, label')].filter(Boolean);
    const shown = chain.some((one) => ring(getComputedStyle(one)) || ring(getComputedStyle(one, '::after')) || getComputedStyle(one).boxShadow !== 'none');
    // A radio button of a row of stars is seen as its label.
    const box = e.type === 'radio' && e.labels?.[0] || e;
    const r = box.getBoundingClientRect();
    const near = [r.width / 2, 6, r.width - 6].some((x) => {
        const at = document.elementFromPoint(r.left + x, r.top + r.height / 2);
        return at && (box.contains(at) || at.contains(e) || at.closest('label, .row, .card, .task')?.contains(e) || at.closest('label')?.control === e
            || at.contains(box));
    });
    return {html: e.outerHTML.slice(0, 120), shown, free: near, mark: e.dataset.stop ?? ''};
}"""
CONTROLS = """() => [...document.querySelectorAll('main :is(a[href], button, input:not([type=hidden]), select, textarea)')]
    .filter((e) => e.checkVisibility({visibilityProperty: true}) && !e.disabled && e.tabIndex >= 0
        && !e.closest('[role=grid], [role=radiogroup], [popover]:not(:popover-open), [inert]')
        && !(e.type === 'radio' && !e.checked) && e.getBoundingClientRect().width)
    .map((e, n) => { e.dataset.stop = String(n); return [String(n), e.outerHTML.slice(0, 120)]; })"""


def test_A4_tab_reaches_every_control_and_the_focus_is_seen(page: Page, site: Site) -> None:
    wrong: dict[str, Any] = {}
    chosen = [path for path in paths(page, site) if path not in ("/notifications", "/nowhere")]
    for path in chosen:
        page.goto(site.url + path)
        page.wait_for_load_state("load")
        page.evaluate(
            "document.activeElement?.blur(); document.body.tabIndex = -1; document.body.focus(); document.body.removeAttribute('tabindex')"
        )
        # A board of a hundred cards has more of the same.
        wanted = dict(page.evaluate(CONTROLS)[:60])
        seen = {str(page.evaluate("document.activeElement?.dataset.stop ?? ''"))}
        for _ in range(160):
            page.keyboard.press("Tab")
            now = page.evaluate(FOCUSED)
            if now is None:
                break
            seen.add(now.pop("mark"))
            if not now["shown"] or not now["free"]:
                wrong.setdefault(f"{path} hidden focus", []).append(now)
            if wanted.keys() <= seen:
                break
        missed = [html for at, html in wanted.items() if at not in seen]
        if missed:
            wrong[f"{path} not reached"] = missed[:5]
    assert not wrong, json.dumps(wrong, indent=1)[:6000]


TEXTS = """() => {
    const found = [];
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
        const e = walk.currentNode.parentElement;
        const text = walk.currentNode.textContent.replace(/\\s+/g, ' ').trim();
        if (text && !e.closest('script, style, kbd, noscript, svg, code, datalist, select, time, data, .avatar, [aria-hidden=true]')) found.push(text);
    }
    for (const e of document.querySelectorAll('[aria-label], [title], [placeholder]')) {
        for (const name of ['aria-label', 'placeholder']) if (e.hasAttribute(name) && !e.closest('svg')) found.push(e.getAttribute(name));
    }
    return found;
}"""
CLIPPED = """() => [...document.querySelectorAll('.btn, .tab, h1, h2, label, legend')]
    .filter((e) => e.checkVisibility() && !e.matches('.vh, .clip') && !e.querySelector('.clip') && getComputedStyle(e).overflow === 'hidden'
        && e.scrollWidth > e.clientWidth + 1).map((e) => e.outerHTML.slice(0, 140))"""


def test_A7_in_a_language_of_longer_texts_nothing_is_left_or_cut(page: Page, site: Site) -> None:
    known = [json.dumps(site.api("GET", path), ensure_ascii=False) for path in ("/modules", "/users", "/me", "/views")]
    known += [
        json.dumps(site.api("GET", f"/records/{m}", params={"limit": "200"}), ensure_ascii=False)
        for m in ("orders", "suppliers", "errands", "visits")
    ]
    # Names of months and days come with the formats of a language, and this one has those of English.
    known += [*calendar.month_name, *calendar.month_abbr, *calendar.day_name, *calendar.day_abbr]
    data = re.sub(r"\\n|\s+", " ", " ".join(known)).casefold() + " north quay english deutsch"
    every = paths(page, site)
    site.api("PATCH", "/me", json={"settings": {"language": i18n.PSEUDO}})
    try:
        # The session remembers its person for a moment; saving the settings forgets.
        left: dict[str, Any] = {}
        for path in every:
            page.goto(site.url + path)
            plain = []
            for text in page.evaluate(TEXTS):
                rest = text
                for _ in range(3):
                    rest = re.sub(r"\[[^\[\]]*~+\]", " ", rest)
                words = [word for word in re.split(r"[^\w]+", rest.casefold()) if word and not re.search(r"\d", word)]
                if [word for word in words if word not in data]:
                    plain.append(text[:100])
            if plain:
                left[path] = plain[:8]
            clipped = page.evaluate(CLIPPED)
            if clipped:
                left[f"{path} clipped"] = clipped[:4]
        assert not left, json.dumps(left, indent=1)[:6000]
    finally:
        site.api("PATCH", "/me", json={"settings": {"language": None}})


def test_A8_without_scripts_one_signs_in_filters_reads_edits_and_saves(opening: Opening, site: Site) -> None:
    page = opening(java_script_enabled=False)
    page.goto(site.url + "/m/suppliers")
    page.get_by_label("E-mail").fill("admin@example.com")
    page.locator("#password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Suppliers")).to_be_visible()
    page.goto(site.url + "/m/orders?f=status~in~paused")
    expect(page.locator("#list-rows > .row").first).to_contain_text("Paused")
    page.locator("#list-rows a.t").first.click()
    page.wait_for_url(re.compile(r"/m/orders/[0-9a-f-]{36}"))
    page.goto(f"{site.url}/m/suppliers/{first(site, 'suppliers')}/edit")
    page.locator("input[name=name]").fill("Renamed without scripts")
    page.locator("form[data-form] button.primary, form[data-form] [data-submit]").first.click()
    page.wait_for_url(re.compile(r"/m/suppliers/[0-9a-f-]{36}$"))
    expect(page.get_by_role("heading", level=1)).to_contain_text("Renamed without scripts")
    page.goto(site.url + "/today")
    expect(page.get_by_role("link", name="Sign the lease").first).to_be_visible()


def test_X1_a_hidden_field_is_nowhere(opening: Opening, browser: Browser, site: Site) -> None:
    site.api("POST", "/modules", json=VAULTS)
    made = site.api("POST", "/records/vaults", json={"name": "North vault", "cipher": "first"})
    site.api("PATCH", f"/records/vaults/{made['id']}", json={"cipher": HIDDEN})
    site.api("POST", "/roles", json={
        "name": "porter", "label": "Porter", "hidden_fields": {"vaults": ["cipher"]},
        "modules": {"vaults": {"see": "all", "create": True, "edit": "all", "export": True}},
    })  # fmt: skip
    viewer = next(one["id"] for one in site.api("GET", "/users")["data"] if one["name"] == "Viewer Desk")
    site.api("PATCH", f"/users/{viewer}", json={"roles": ["porter"]})
    page = opening(storage_state=cookies_of(browser, site, "viewer"))
    record = f"/m/vaults/{made['id']}"
    api = "/api/v1/records/vaults"
    addresses = [
        "/m/vaults", "/m/vaults?layout=board", record, f"{record}/edit", f"{record}/peek", f"{record}/timeline",
        "/m/vaults/new", "/today", f"/search?q={HIDDEN}", "/notifications", api, f"{api}/{made['id']}",
        f"{api}/{made['id']}/history", f"{api}/{made['id']}/timeline", f"{api}/board", f"/api/v1/search?q={HIDDEN}",
        "/api/v1/modules/vaults", "/api/v1/views", "/api/openapi.json", f"/m/vaults?f=cipher~eq~{HIDDEN}",
    ]  # fmt: skip
    found = {}
    asked: set[str] = set()
    for address in addresses:
        answer = page.request.get(site.url + address)
        text = answer.text()
        # What a page fetches for its filters and columns, too.
        asked |= set(
            re.findall(r'(?:data-[a-z]+|href)="(/m/vaults/(?:columns|filters?|fields|meta|export)[^"]*)"', text)
        )
        searched = HIDDEN in address
        if (HIDDEN_LABEL in text) or (not searched and (HIDDEN in text or "cipher" in text.lower())):
            found[address] = answer.status
        if searched and "North vault" in text and address.startswith(("/search", "/api")):
            found[address] = answer.status
    for address in asked:
        text = page.request.get(site.url + address.replace("&amp;", "&")).text()
        if HIDDEN_LABEL in text or "cipher" in text.lower():
            found[address] = 200
    assert found == {}
    page.goto(site.url + "/m/vaults")
    page.keyboard.press("Control+k")
    page.keyboard.type(HIDDEN)
    expect(page.get_by_role("option", name=re.compile("All results"))).to_be_visible()
    expect(page.get_by_role("option", name=re.compile("North vault"))).to_have_count(0)


def test_X2_hostile_text_is_text_on_every_page(page: Page, site: Site) -> None:
    site.api("POST", "/modules", json=TRAPS)
    me = site.api("GET", "/me")["id"]
    made = site.api("POST", "/records/traps", json={
        "name": HOSTILE, "kind": "one", "text": HOSTILE + "\n\n[x](javascript:window.pwned=1)", "due": "2026-03-31",
        "cost": {"amount": "12", "currency": "EUR"}, "owner": me,
    })  # fmt: skip
    site.api("PUT", "/me/favourites", json={"data": [{"kind": "record", "target": made["id"], "module": "traps"}]})
    for path in [*paths(page, site, "traps"), "/search?q=script", f"/m/traps?q={HOSTILE[:8]}"]:
        page.goto(site.url + path)
        page.wait_for_load_state("load")
        assert page.evaluate("window.pwned") is None, path
        assert page.evaluate("document.querySelectorAll('img[src=x], a[href^=\"javascript:\"]').length") == 0, path
    page.goto(site.url + "/m/traps")
    expect(page.locator("#list-rows > .row").first).to_contain_text("<script>window.pwned=1</script>")
    page.keyboard.press("Control+k")
    page.keyboard.type("script")
    expect(page.locator("#palette [role=option]").first).to_contain_text("<script>")
    page.keyboard.press("Escape")
    assert page.evaluate("window.pwned") is None


def test_K1_what_every_page_loads_is_within_budget(page: Page, site: Site) -> None:
    built = read(DIST)
    assert "LICENSES.txt" in built.served
    for name in built.files.values():
        assert name in built.served
    loaded: dict[str, int] = {}
    page.on(
        "response",
        lambda answer: loaded.setdefault(answer.url.rpartition("/")[2], 0) if "/static/" in answer.url else None,
    )
    page.goto(site.url + "/today")
    page.wait_for_load_state("load")
    scripts = [name for name in loaded if name.endswith(".js") and not name.startswith("texts-")]
    entry = {built.files["app.js"], *built.preload}
    assert set(scripts) >= entry
    assert sum(len(built.served[name].encoded["gzip"]) for name in entry) <= 35 * 1024
    assert len(built.served[built.files["style.css"]].encoded["gzip"]) <= 14 * 1024
