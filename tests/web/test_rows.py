"""Values as HTML: right for every type, escaped whatever they hold."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.web import samples
from xrm_core.web.formatters import FACTORIES, Reader, show
from xrm_core.web.hx import hx, toast
from xrm_core.web.markdown import render as markdown
from xrm_core.web.pages import ColumnView, OptionView
from xrm_core.web.rows import TRACKS, RowRenderer, tracks

HOSTILE = "\"><img src=x onerror=alert(1)><script>'"
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**12), 10**12) | st.text(max_size=20) | st.just(HOSTILE),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "id",
                    "module",
                    "title",
                    "amount",
                    "currency",
                    "per",
                    "value",
                    "unit",
                    "start",
                    "end",
                    "full",
                    "formatted",
                    "name",
                    "size",
                    "city",
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=6,
)
KNOWN_TAGS = {
    "a",
    "span",
    "data",
    "time",
    "br",
    "svg",
    "use",
    "div",
    "p",
    "pre",
    "code",
    "em",
    "strong",
    "ul",
    "ol",
    "li",
    "blockquote",
    "h3",
    "h4",
    "h5",
    "hr",
    "s",
}


class Reading(HTMLParser):
    """What a browser sees: the tags and their attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.attributes: list[tuple[str, str | None]] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs


def assert_safe(html: str) -> None:
    found = Reading()
    found.feed(html)
    assert found.tags <= KNOWN_TAGS, html
    for name, value in found.attributes:
        assert not name.startswith("on") and name != "style", html
        assert name != "href" or not (value or "").strip().lower().startswith(("javascript:", "data:")), html


@pytest.mark.parametrize("type_name", sorted(FACTORIES))
@given(value=VALUES)
@settings(max_examples=40, deadline=None)
def test_no_value_of_any_shape_breaks_out_or_fails(type_name: str, value: Any) -> None:
    column = ColumnView("x", "X", type_name, options={"a": OptionView("a", HOSTILE, HOSTILE)}, settings={"max": 5})
    for full in (True, False):
        assert_safe(str(show(column, {"x": value}, samples.READER, full)))


@given(values=st.lists(VALUES, min_size=2, max_size=2), name=st.text(max_size=10) | st.just(HOSTILE))
@settings(max_examples=100, deadline=None)
def test_rows_are_always_well_formed(values: list[Any], name: str) -> None:
    columns = [ColumnView("a", "A", "any"), ColumnView("b", "B", "text")]
    html = RowRenderer(columns, "m").render(
        [{"id": name, "version": 1, "title": name, "a": values[0], "b": values[1]}], samples.READER
    )
    assert html.count("<div") == html.count("</div>") == 3
    assert len(re.findall(r'role="gridcell"|role="rowheader"', html)) == 2


def text_of(type_name: str, value: Any, *, full: bool = True, locale: str = "en", **extra: Any) -> str:
    reader = Reader(locale, "Europe/Berlin", samples.NOW, samples.USERS)
    html = str(show(ColumnView("x", "X", type_name, **extra), {"x": value}, reader, full))
    return re.sub(r"<[^>]+>", "", html).replace("\xa0", " ").replace("\u202f", " ").strip()


@pytest.mark.parametrize(
    ("type_name", "value", "text", "german"),
    [
        ("money", {"amount": "12000.00", "currency": "EUR"}, "€12,000", "12.000 €"),
        ("money", {"amount": "12000.50", "currency": "EUR"}, "€12,000.50", "12.000,50 €"),
        ("money_rate", {"amount": "85.00", "currency": "EUR", "per": "hour"}, "€85 / hour", "85 € / Stunde"),
        ("decimal", "1234.5", "1,234.5", "1.234,5"),
        ("percent", "12.5", "12.5 %", "12,5 %"),
        ("integer", 41200, "41,200", "41.200"),
        ("date", "2026-06-15", "Jun 15, 2026", "15. Juni 2026"),
        ("datetime", "2026-06-15T07:05:00.000000Z", "Jun 15, 2026, 09:05", "15. Juni 2026, 09:05"),
        ("duration", {"value": 1, "unit": "days"}, "1 day", "1 Tag"),
        ("duration", {"value": 10, "unit": "business_days"}, "10 business days", "10 Arbeitstage"),
        ("boolean", True, "Yes", "Ja"),
        ("boolean", False, "No", "Nein"),
        ("phone", "+442079460018", "+44 20 7946 0018", "+44 20 7946 0018"),
        ("url", "https://www.example.org/", "example.org", "example.org"),
        ("user", "u1", "DNDesk North", "DNDesk North"),
        ("link", {"id": "1", "module": "m", "title": "Oak & Co"}, "Oak &amp; Co", "Oak &amp; Co"),
        ("person_name", {"first": "Front", "last": "Desk", "full": "Front Desk"}, "Front Desk", "Front Desk"),
    ],
)
def test_values_read_well_in_both_languages(type_name: str, value: Any, text: str, german: str) -> None:
    assert text_of(type_name, value) == text
    assert text_of(type_name, value, locale="de") == german


def test_dates_of_this_year_are_short_in_lists() -> None:
    assert text_of("date", "2026-06-15", full=False) == "Jun 15"
    assert text_of("date", "2025-06-15", full=False) == "Jun 15, 2025"
    assert text_of("instant", "2026-06-15T07:00:00.000000Z", full=False) == "2 hr. ago"


def test_values_of_linked_records_are_found_by_their_path() -> None:
    record = {"client": {"id": "1", "module": "m", "title": "T", "city": "Oslo"}}
    assert show(ColumnView("client.city", "City", "text"), record, samples.READER) == "Oslo"


def test_the_list_scrolls_when_columns_do_not_fit() -> None:
    css = tracks([ColumnView("a", "A", "title"), ColumnView("b", "B", "unheard_of")])
    assert css == "--cols:minmax(200px, 2fr) minmax(130px, 1fr);--min:330px"
    assert set(TRACKS) <= set(FACTORIES)


def test_markdown_is_reduced_to_harmless_html() -> None:
    html = markdown(
        "# Hi\n**b** <script>x</script> [a](javascript:x) [b](https://example.org) ![i](x.png)\n\n|a|\n|-|\n|1|"
    )
    assert "<script" not in html and "javascript:" not in html.replace("(javascript:x)", "") and "<img" not in html
    assert "<h3>Hi</h3>" in html and "<strong>b</strong>" in html and "<table>" in html
    assert 'rel="noopener noreferrer nofollow"' in html


def test_htmx_headers_are_read_without_regard_to_case() -> None:
    found = hx(
        {"hx-request": "true", "HX-Request-Type": "partial", "HX-Target": "div#results", "HX-Source": "form#find"}
    )
    assert found.partial and found.target_id == "results" and found.source_id == "find"
    assert not hx({}).partial
    assert not hx({"HX-Request": "true", "HX-Request-Type": "full"}).partial
    assert toast("Grün ✓")["HX-Trigger"].isascii()
