"""One formatter per field type: the closure that turns an API value into escaped HTML, short or full."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from markupsafe import Markup, escape

from xrm_core.web import formats
from xrm_core.web.assets import icon
from xrm_core.web.i18n import translator
from xrm_core.web.markdown import named
from xrm_core.web.markdown import render as render_markdown
from xrm_core.web.pages import ColumnView, OptionView, UserView

LONGEST_CELL = 160


@dataclass(frozen=True, slots=True)
class Reader:
    """For whom values are formatted: language, time zone, the moment of the request, the people behind ids."""

    locale: str = "en"
    zone: str = "UTC"
    now: datetime = field(default_factory=lambda: datetime(2000, 1, 1, tzinfo=UTC))
    users: Mapping[str, UserView] = field(default_factory=dict)

    def t(self, text: str) -> str:
        """The text of the interface in the reader's language."""
        return translator(self.locale)(text)


Formatter = Callable[[Any, Reader], str]


def record_url(module: str, record_id: str) -> str:
    """The address of a record's page."""
    return f"/m/{module}/{record_id}"


def chip(option: OptionView) -> str:
    """An option as a coloured label: dot and text, never colour alone."""
    return f'<span class="chip" data-hue="{escape(option.hue or "gray")}"><span>{escape(option.label)}</span></span>'


def user_html(user: UserView) -> str:
    """A person: avatar and name."""
    name = escape(user.name)
    letters = escape(formats.initials(user.name))
    mark = f'<span class="avatar" data-hue="{formats.hue_of(user.name)}" aria-hidden="true">{letters}</span>'
    return f'<span class="who">{mark}<span class="clip">{name}</span></span>'


def reference_html(value: Any) -> str:
    """A linked record; what is not allowed to be seen has no title."""
    if not isinstance(value, dict):
        return str(escape(value))
    title = value.get("title") or "…"
    module, record = value.get("module"), value.get("id")
    if not module or not record:
        return str(escape(title))
    return f'<a class="ref" href="{escape(record_url(str(module), str(record)))}">{escape(title)}</a>'


def _text(column: ColumnView, full: bool) -> Formatter:
    def show(value: Any, reader: Reader) -> str:
        text = value if isinstance(value, str) else str(value)
        if full or len(text) <= LONGEST_CELL:
            return str(escape(text))
        return f"<span data-cut>{escape(text[:LONGEST_CELL])}…</span>"

    return show


def _long_text(column: ColumnView, full: bool) -> Formatter:
    if not full:
        return lambda value, reader: str(escape(" ".join(named(str(value)[: LONGEST_CELL * 2]).split())[:LONGEST_CELL]))
    return lambda value, reader: f'<div class="plain">{escape(named(str(value)))}</div>'


def _rich_text(column: ColumnView, full: bool) -> Formatter:
    if not full:
        return _long_text(column, False)
    return lambda value, reader: f'<div class="prose">{render_markdown(str(value))}</div>'


def _number(column: ColumnView, full: bool) -> Formatter:
    scale = column.settings.get("scale")
    suffix = str(escape(column.settings.get("suffix", "")))
    return lambda value, reader: (
        f'<data value="{escape(value)}">{escape(formats.number(_plain(value), scale, reader.locale))}{suffix}</data>'
    )


def _plain(value: Any) -> str | int:
    return value if isinstance(value, str | int) else str(value)


def _percent(column: ColumnView, full: bool) -> Formatter:
    return lambda value, reader: (
        f'<data value="{escape(value)}">{escape(formats.number(_plain(value), None, reader.locale))} %</data>'
    )


def _money(column: ColumnView, full: bool) -> Formatter:
    def show(value: Any, reader: Reader) -> str:
        if not isinstance(value, dict):
            return str(escape(value))
        amount, currency = str(value.get("amount", "")), str(value.get("currency", ""))
        per = f' <span class="muted">/ {escape(reader.t(str(value["per"])))}</span>' if value.get("per") else ""
        unit = f' data-c="{escape(currency)}"' + (f' data-per="{escape(value["per"])}"' if per else "")
        shown = escape(formats.money(amount, currency, reader.locale))
        return f'<data value="{escape(amount)}"{unit}>{shown}{per}</data>'

    return show


def _boolean(column: ColumnView, full: bool) -> Formatter:
    yes, no = str(icon("check")), str(icon("minus"))

    def show(value: Any, reader: Reader) -> str:
        if value is True:
            return f'<span class="yes who">{yes}<span>{escape(reader.t("Yes"))}</span></span>'
        return f'<span class="no who">{no}<span>{escape(reader.t("No"))}</span></span>'

    return show


def _date(column: ColumnView, full: bool) -> Formatter:
    def show(value: Any, reader: Reader) -> str:
        text = str(value)
        long = formats.day(text, reader.locale)
        short = long if full or text[:4] != f"{reader.now.year:04}" else formats.day(text, reader.locale, False)
        return f'<time datetime="{escape(text)}">{escape(short)}</time>'

    return show


def _instant(column: ColumnView, full: bool) -> Formatter:
    def show(value: Any, reader: Reader) -> str:
        text = str(value)
        long = formats.instant(text, reader.locale, reader.zone)
        short = long if full else formats.since(text, reader.now, reader.locale, reader.zone)
        return f'<time datetime="{escape(text.replace(".000000Z", "Z"))}" title="{escape(long)}">{escape(short)}</time>'

    return show


def _duration(column: ColumnView, full: bool) -> Formatter:
    def show(value: Any, reader: Reader) -> str:
        if not isinstance(value, dict):
            return str(escape(value))
        unit = str(value.get("unit", "")).replace("_", " ")
        count = value.get("value", 0)
        name = unit[:-1] if count == 1 and unit.endswith("s") else unit
        shown = formats.number(_plain(count), None, reader.locale)
        return (
            f'<data class="num" value="{escape(count)} {escape(unit)}">{escape(shown)} {escape(reader.t(name))}</data>'
        )

    return show


def _date_range(column: ColumnView, full: bool) -> Formatter:
    one = _date(column, full)

    def show(value: Any, reader: Reader) -> str:
        if not isinstance(value, dict):
            return str(escape(value))
        parts = [one(value[key], reader) if value.get(key) else "…" for key in ("start", "end")]
        return f"<span>{parts[0]} – {parts[1]}</span>"

    return show


def _select(column: ColumnView, full: bool) -> Formatter:
    ready = {name: chip(option) for name, option in column.options.items()}

    def show(value: Any, reader: Reader) -> str:
        found = ready.get(value) if isinstance(value, str) else None
        return found or chip(OptionView(str(value), str(value)))

    return show


TWO_CHIPS = 12
"""So many characters of two options stand side by side in a column."""


def _multi_select(column: ColumnView, full: bool) -> Formatter:
    one = _select(column, full)
    wrap = " wrap" if full else ""

    def show(value: Any, reader: Reader) -> str:
        items = value if isinstance(value, list) else [value]
        # Two where both can be read; one whole chip and a number say more than two that are cut off.
        length = sum(
            len(column.options[text].label if (text := str(item)) in column.options else text) for item in items[:2]
        )
        most = len(items) if full else 2 if length <= TWO_CHIPS else 1
        shown = "".join(one(item, reader) for item in items[:most])
        rest = f'<span class="more" data-cut>+{len(items) - most}</span>' if len(items) > most else ""
        return f'<span class="chips{wrap}">{shown}{rest}</span>'

    return show


def _email(column: ColumnView, full: bool) -> Formatter:
    return lambda value, reader: f'<a class="ref" href="mailto:{escape(value)}">{escape(value)}</a>'


def _phone(column: ColumnView, full: bool) -> Formatter:
    return lambda value, reader: (
        f'<a class="ref num" href="tel:{escape(value)}">{escape(formats.phone(str(value)))}</a>'
    )


def _url(column: ColumnView, full: bool) -> Formatter:
    def show(value: Any, reader: Reader) -> str:
        text = str(value)
        if not text.startswith(("https://", "http://")):
            return str(escape(text))
        shown = text.split("://", 1)[1].removeprefix("www.").rstrip("/")
        return f'<a class="ref" href="{escape(text)}" rel="noopener noreferrer" target="_blank">{escape(shown)}</a>'

    return show


def _address(column: ColumnView, full: bool) -> Formatter:
    def show(value: Any, reader: Reader) -> str:
        if not isinstance(value, dict):
            return str(escape(value))
        if not full:
            whole = value.get("formatted") or ""
            short = ", ".join(str(value[k]) for k in ("city", "country") if value.get(k)) or whole
            return f'<span title="{escape(whole)}">{escape(short)}</span>'
        lines = [
            value.get("street"),
            " ".join(str(value[k]) for k in ("postcode", "city") if value.get(k)),
            value.get("region"),
            value.get("country"),
        ]
        return "<br>".join(str(escape(line)) for line in lines if line)

    return show


def _person_name(column: ColumnView, full: bool) -> Formatter:
    return lambda value, reader: str(escape(value.get("full", "") if isinstance(value, dict) else value))


def _user(column: ColumnView, full: bool) -> Formatter:
    def show(value: Any, reader: Reader) -> str:
        found = [reader.users.get(str(item)) for item in (value if isinstance(value, list) else [value])]
        return (
            " ".join(user_html(user) for user in found if user)
            or f'<span class="muted">{escape(reader.t("Unknown user"))}</span>'
        )

    return show


def _file(column: ColumnView, full: bool) -> Formatter:
    mark = str(icon("paperclip"))

    def show(value: Any, reader: Reader) -> str:
        files = [item for item in (value if isinstance(value, list) else [value]) if isinstance(item, dict)]
        if not full:
            return f'<span class="who muted">{mark}<span class="num">{len(files)}</span></span>'
        rows = (
            f'<a class="ref" href="/api/v1/files/{escape(item.get("id", ""))}" download>{escape(item.get("name", ""))}'
            "</a>"
            f' <span class="muted">{escape(formats.size(item.get("size"), reader.locale))}</span>'
            for item in files
        )
        return "<br>".join(rows)

    return show


def _rating(column: ColumnView, full: bool) -> Formatter:
    most = int(column.settings.get("max", 5) or 5)
    on, off = str(icon("star", "on")), str(icon("star", "off"))

    def show(value: Any, reader: Reader) -> str:
        count = max(0, min(value, most)) if isinstance(value, int) else 0
        label = escape(reader.t("{value} of {max}").format(value=count, max=most))
        return f'<span class="stars" role="img" aria-label="{label}">{on * count}{off * max(0, most - count)}</span>'

    return show


def _json(column: ColumnView, full: bool) -> Formatter:
    def show(value: Any, reader: Reader) -> str:
        text = json.dumps(value, ensure_ascii=False, indent=2 if full else None)
        return f'<pre class="plain">{escape(text)}</pre>' if full else f"<code>{escape(text[:LONGEST_CELL])}</code>"

    return show


def _link(column: ColumnView, full: bool) -> Formatter:
    def show(value: Any, reader: Reader) -> str:
        if isinstance(value, list):
            shown = ", ".join(reference_html(item) for item in value[: 10_000 if full else 3])
            return shown + (f' <span class="more">+{len(value) - 3}</span>' if not full and len(value) > 3 else "")
        return reference_html(value)

    return show


def _any(column: ColumnView, full: bool) -> Formatter:
    """A value whose type is not known beforehand, such as the items of a roll-up."""
    plain = _text(column, full)

    def show(value: Any, reader: Reader) -> str:
        if isinstance(value, list):
            return ", ".join(show(item, reader) for item in value[: 10_000 if full else 3])
        if isinstance(value, bool):
            return str(escape(reader.t("Yes" if value else "No")))
        if isinstance(value, dict):
            if "currency" in value:
                return _money(column, full)(value, reader)
            return (
                reference_html(value)
                if "title" in value
                else str(escape(value.get("full") or value.get("formatted") or json.dumps(value)))
            )
        return plain(value, reader)

    return show


FACTORIES: dict[str, Callable[[ColumnView, bool], Formatter]] = {
    "text": _text,
    "title": _text,
    "auto_number": _text,
    "long_text": _long_text,
    "rich_text": _rich_text,
    "integer": _number,
    "decimal": _number,
    "percent": _percent,
    "money": _money,
    "money_rate": _money,
    "boolean": _boolean,
    "date": _date,
    "datetime": _instant,
    "instant": _instant,
    "duration": _duration,
    "date_range": _date_range,
    "select": _select,
    "stage": _select,
    "multi_select": _multi_select,
    "email": _email,
    "phone": _phone,
    "url": _url,
    "address": _address,
    "person_name": _person_name,
    "user": _user,
    "file": _file,
    "rating": _rating,
    "json": _json,
    "link": _link,
    "links": _link,
    "any": _any,
}
NUMBERS = frozenset({"integer", "decimal", "percent", "money", "money_rate"})
"""Types whose cells are aligned at the end, so that digits stand below each other."""


def formatter(column: ColumnView, full: bool = False) -> Formatter:
    """The formatter of a column; a type without one of its own is shown as whatever the value is."""
    return FACTORIES.get(column.type, _any)(column, full)


def is_empty(value: Any) -> bool:
    """Whether there is nothing to show."""
    return value is None or value == "" or value == [] or value == {}


def pick(record: Mapping[str, Any], key: str) -> Any:
    """The value at a dotted key; links on the way are looked into."""
    if key in record:
        return record[key]
    value: Any = record
    for part in key.split("."):
        if isinstance(value, list):
            value = value[0] if value else None
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def show(column: ColumnView, record: Mapping[str, Any], reader: Reader, full: bool = True) -> Markup:
    """One value of a record as HTML; empty values give an empty text."""
    value = pick(record, column.key)
    return Markup("" if is_empty(value) else formatter(column, full)(value, reader))
