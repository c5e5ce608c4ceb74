"""Every page renders, holds no inline code, uses htmx only as agreed, and speaks German."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest

from tests.web import samples, texts
from tests.web.preview import PAGES
from xrm_core.web import i18n, render
from xrm_core.web.texts import built

TEMPLATES = sorted((texts.WEB / "templates").rglob("*.jinja"))
HX_ALLOWED = {"hx-get", "hx-trigger", "hx-target", "hx-swap", "hx-replace-url", "hx-sync", "hx-swap-oob", "hx-partial"}


@pytest.mark.parametrize("path", PAGES)
def test_page_has_one_main_one_heading_and_a_title(path: str) -> None:
    html = PAGES[path]()
    assert len(re.findall(r"<h1[ >]", html)) == 1
    assert len(re.findall(r"<main[ >]", html)) == 1
    assert re.search(r"<title>[^<]+ · XRM</title>", html)


@pytest.mark.parametrize("path", PAGES)
def test_page_has_no_inline_code(path: str) -> None:
    html = PAGES[path]()
    assert not re.search(r"<[^>]+\sstyle=", html)
    assert not re.search(r"<[^>]+\son\w+=", html)
    assert "javascript:" not in html
    for attributes in re.findall(r"<script\b([^>]*)>", html):
        assert "src=" in attributes or 'type="application/json"' in attributes
    for attributes in re.findall(r"<style\b([^>]*)>", html):
        assert 'nonce="preview"' in attributes


@pytest.mark.parametrize("path", PAGES)
def test_ids_are_unique_and_labels_point_somewhere(path: str) -> None:
    html = re.sub(r"<noscript>.*?</noscript>", "", PAGES[path](), flags=re.S)
    ids = re.findall(r'\sid="([^"]+)"', html)
    assert len(ids) == len(set(ids)), [i for i in ids if ids.count(i) > 1]
    for attribute in ("for", "aria-labelledby", "aria-describedby", "popovertarget"):
        for value in re.findall(rf'\s{attribute}="([^"]+)"', html):
            assert set(value.split()) <= set(ids), (attribute, value)


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_htmx_attributes_are_the_few_agreed_ones_and_stand_on_their_own_element(template: object) -> None:
    text = template.read_text("utf-8")  # type: ignore[attr-defined]
    assert set(re.findall(r"\b(hx-[\w:-]+)", text)) <= HX_ALLOWED
    for tag in re.findall(r"<\w[^>]*\shx-(?:target|swap|trigger)=[^>]*>", text):
        assert "hx-get=" in tag or tag.startswith("<hx-partial"), tag


def test_rows_and_cards_have_no_htmx_attributes() -> None:
    assert "hx-" not in samples.list_page().rows
    html = render.page(samples.board_page(), samples.shell())
    assert all("hx-" not in card for card in re.findall(r'<div class="card".*?</div>\s*</div>', html, re.S))


@pytest.mark.parametrize("value", ['"><img src=x onerror=alert(1)>', "<script>alert(1)</script>", "' onmouseover='x"])
def test_hostile_labels_are_shown_as_text(value: str) -> None:
    module = samples.p.ModuleView("orders", value, value, value, "/m/orders", value, "/m/orders/new")
    column = samples.p.ColumnView("title", value, "title")
    bar = samples.p.FilterBar(
        "/m/orders",
        value,
        value,
        (samples.p.FilterChip(value, value, value, "/"),),
        (samples.p.FilterField("x", value, samples.OPERATORS),),
        problem=value,
        state={"text": value, "rows": {"join": "and", "items": [{"text": value}]}},
    )
    rows = samples.RowRenderer([column], "orders").render([{"id": value, "title": value, "version": 1}], samples.READER)
    shell = samples.shell(value, toasts=(samples.p.Toast(value),))
    widget = samples.p.FieldWidget("x", value, "text", value, value, errors=(value,))
    html = render.page(samples.p.ListPage(module, (column,), rows, 1, filters=bar, total=1), shell)
    html += render.page(samples.p.FormPage(module, value, "/", "/", (samples.p.FormSection(value, (widget,)),)), shell)
    html += render.page(samples.p.MessagePage(404, value, value, problems=(value,)), shell)
    assert "<img src=x" not in html and "<script>alert" not in html and "' onmouseover='" not in html


def test_a_script_closing_tag_cannot_leave_the_data_block() -> None:
    fields = (samples.p.FilterField("x", "</script><b>", samples.OPERATORS),)
    bar = samples.p.FilterBar("/m/x", fields=fields, state={"text": "</script><b>"})
    html = render.page(
        samples.p.ListPage(samples.ORDERS, samples.COLUMNS, samples.Markup(""), 1, filters=bar), samples.shell()
    )
    block = re.search(r'<script type="application/json">(.*?)</script>', html, re.S)
    assert block and json.loads(block.group(1))["text"] == "</script><b>"


def test_german_is_complete() -> None:
    wanted = texts.in_templates() | texts.in_scripts() | texts.in_python()
    assert sorted(wanted - set(i18n.catalogue("de"))) == []


def test_the_scripts_find_all_their_texts() -> None:
    listed = set((i18n.LOCALES / "browser.txt").read_text("utf-8").splitlines())
    assert listed == texts.in_scripts()
    name, body = i18n.browser_script("de")
    asset = built(name)
    assert asset is not None and asset.body == body
    # Fetched once and kept, so it is not part of any page.
    assert len(asset.encoded["gzip"]) <= 6 * 1024


@pytest.mark.parametrize("text", sorted(i18n.catalogue("de")))
def test_placeholders_survive_translation(text: str) -> None:
    found = i18n.catalogue("de")[text]
    for translation in [found] if isinstance(found, str) else found:
        assert sorted(re.findall(r"%\(\w+\)s|\{\w+\}", translation)) == sorted(re.findall(r"%\(\w+\)s|\{\w+\}", text))


VIEWS: dict[str, Callable[[], render.AnyPage]] = {
    "list": samples.list_page,
    "board": samples.board_page,
    "record": samples.record_page,
    "form": samples.form_page,
    "search": samples.search_page,
}


@pytest.mark.parametrize("name", VIEWS)
def test_pages_render_in_german(name: str) -> None:
    html = render.page(VIEWS[name](), samples.shell(locale="de"))
    assert '<html lang="de"' in html and "Abmelden" in html


@pytest.mark.parametrize(
    ("header", "language"),
    [("de-AT,de;q=0.9,en;q=0.8", "de"), ("fr", "en"), ("en;q=0.5, de;q=0.7", "de"), ("", "en"), ("de;q=x", "en")],
)
def test_language_is_negotiated(header: str, language: str) -> None:
    assert i18n.negotiate(header) == language
