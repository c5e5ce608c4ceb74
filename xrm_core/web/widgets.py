"""Inputs of forms: which widget a field type gets, and how what was typed into it becomes a value for the engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from xrm_core.fields import Field, ParseContext, Rejected
from xrm_core.kernel.problem import Problem, pointer, under

WIDGETS: Mapping[str, str] = {
    "text": "text",
    "long_text": "textarea",
    "rich_text": "markdown",
    "integer": "number",
    "decimal": "number",
    "percent": "number",
    "money": "money",
    "money_rate": "money",
    "boolean": "boolean",
    "date": "date",
    "datetime": "datetime",
    "duration": "duration",
    "date_range": "date_range",
    "select": "select",
    "multi_select": "multi_select",
    "email": "email",
    "phone": "phone",
    "url": "url",
    "address": "address",
    "person_name": "person_name",
    "user": "user",
    "file": "files",
    "rating": "rating",
    "json": "json",
}
"""Per field type; a type that is not here gets a text input."""
WIDE = frozenset({"textarea", "markdown", "json", "address", "files", "multi_select"})
SETTINGS = ("max_length", "min", "max", "currency", "per", "units", "open", "multiple", "accept")


class Form:
    """What was sent: text per name, possibly several; files apart."""

    def __init__(self, items: Sequence[tuple[str, Any]]) -> None:
        self.items = list(items)
        self.names = {name for name, _ in self.items}

    def has(self, name: str) -> bool:
        """Whether the page had this input at all."""
        return name in self.names or any(other.startswith(name + ".") for other in self.names)

    def text(self, name: str) -> str:
        """The last value, stripped; empty when there is none."""
        found = [value for key, value in self.items if key == name and isinstance(value, str)]
        return found[-1].strip() if found else ""

    def texts(self, name: str) -> list[str]:
        """All values that are not empty."""
        return [value.strip() for key, value in self.items if key == name and isinstance(value, str) and value.strip()]

    def files(self, name: str) -> list[Any]:
        """Uploaded files."""
        return [value for key, value in self.items if key == name and not isinstance(value, str)]


Reading = Callable[[Form, str, Field, ParseContext], Any]


def _text(form: Form, name: str, field: Field, context: ParseContext) -> Any:
    text = form.text(name)
    return field.parse_text(text, context) if text else None


def _boolean(form: Form, name: str, field: Field, context: ParseContext) -> Any:
    return form.text(name) == "true"


def _money(form: Form, name: str, field: Field, context: ParseContext) -> Any:
    amount = form.text(name + ".amount")
    if not amount:
        return None
    parts = [amount, form.text(name + ".currency").upper() or context.currency]
    per = form.text(name + ".per")
    return field.parse_text(" ".join(parts) + (f"/{per}" if per else ""), context)


def _duration(form: Form, name: str, field: Field, context: ParseContext) -> Any:
    value = form.text(name + ".value")
    if not value:
        return None
    return field.parse_text(f"{value} {form.text(name + '.unit').replace('_', ' ') or 'days'}", context)


def _parts(*names: str) -> Reading:
    def read(form: Form, name: str, field: Field, context: ParseContext) -> Any:
        found = {part: text for part in names if (text := form.text(f"{name}.{part}"))}
        return field.parse(found, context) if found else None

    return read


def _multi_select(form: Form, name: str, field: Field, context: ParseContext) -> Any:
    added = [part.strip() for part in form.text(name + ".add").split(",") if part.strip()]
    found = list(dict.fromkeys([*form.texts(name), *added]))
    return field.parse(found, context) if found else None


def _user(form: Form, name: str, field: Field, context: ParseContext) -> Any:
    found = form.texts(name)
    if not found:
        return None
    return field.parse(found if getattr(field, "multiple", False) else found[-1], context)


def _rating(form: Form, name: str, field: Field, context: ParseContext) -> Any:
    text = form.text(name)
    return field.parse(int(text) if text.isascii() and text.isdigit() else text, context) if text else None


def _json(form: Form, name: str, field: Field, context: ParseContext) -> Any:
    text = form.text(name)
    if not text:
        return None
    try:
        return field.parse(orjson.loads(text), context)
    except orjson.JSONDecodeError as error:
        raise Rejected(Problem("json", "", f"This is not JSON: {error}.", "Check quotes and commas.")) from None


def _files(form: Form, name: str, field: Field, context: ParseContext) -> Any:
    """Files that stay or were uploaded by the page; each is told as JSON."""
    try:
        found = [orjson.loads(text) for text in form.texts(name + ".keep")]
    except orjson.JSONDecodeError:
        raise Rejected(Problem("type", "", "The files cannot be read.", "Load the page again.")) from None
    return field.parse(found, context) if found else None


READERS: Mapping[str, Reading] = {
    "boolean": _boolean,
    "money": _money,
    "duration": _duration,
    "date_range": _parts("start", "end"),
    "multi_select": _multi_select,
    "address": _parts("street", "postcode", "city", "region", "country"),
    "person_name": _parts("prefix", "first", "middle", "last", "suffix"),
    "user": _user,
    "rating": _rating,
    "json": _json,
    "files": _files,
}


def widget_of(field: Field) -> str:
    """The widget of a field."""
    return WIDGETS.get(field.type, "text")


def read_field(form: Form, field: Field, context: ParseContext) -> tuple[Any, list[Problem]]:
    """The value for the engine, or the problems with paths relative to the record."""
    try:
        return READERS.get(widget_of(field), _text)(form, field.name, field, context), []
    except Rejected as rejected:
        return None, under(pointer(field.name), rejected.problems)


def typed_again(form: Form, field: Field) -> Any:
    """What was typed, in the shape that the widget shows: for a form that was refused."""
    name = field.name
    match widget_of(field):
        case "boolean":
            return form.text(name) == "true"
        case "money":
            return {part: form.text(f"{name}.{part}") for part in ("amount", "currency", "per")}
        case "duration":
            return {part: form.text(f"{name}.{part}") for part in ("value", "unit")}
        case "date_range":
            return {part: form.text(f"{name}.{part}") for part in ("start", "end")}
        case "address":
            return {part: form.text(f"{name}.{part}") for part in ("street", "postcode", "city", "region", "country")}
        case "person_name":
            return {part: form.text(f"{name}.{part}") for part in ("prefix", "first", "middle", "last", "suffix")}
        case "multi_select":
            return [*form.texts(name), *(part.strip() for part in form.text(name + ".add").split(",") if part.strip())]
        case "rating":
            text = form.text(name)
            return int(text) if text.isascii() and text.isdigit() else None
        case "files":
            return _kept(form.texts(name + ".keep"))
        case "user" if getattr(field, "multiple", False):
            return form.texts(name)
        case _:
            return form.text(name)


def _kept(texts: Sequence[str]) -> list[Any]:
    found = []
    for text in texts:
        try:
            value = orjson.loads(text)
        except orjson.JSONDecodeError:
            continue
        if isinstance(value, dict) and {"id", "name"} <= value.keys():
            found.append(value)
    return found


def shown_in_input(field: Field, value: Any, zone: str) -> Any:
    """A stored value in the shape that the widget shows."""
    if widget_of(field) == "datetime" and isinstance(value, str):
        try:
            return datetime.fromisoformat(value).astimezone(ZoneInfo(zone)).strftime("%Y-%m-%dT%H:%M")
        except ValueError:
            return value
    return value


def settings_of(field: Field, context: ParseContext) -> dict[str, Any]:
    """The settings of a field that its widget knows."""
    found = {name: value for name in SETTINGS if (value := getattr(field, name, None)) is not None}
    found["default_currency"] = context.currency
    if "per" in found and isinstance(found["per"], str):
        found["per"] = [found["per"]]
    return found
