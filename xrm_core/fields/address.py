"""A postal address."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, ClassVar, Literal

from babel import Locale, UnknownLocaleError

from xrm_core.fields.base import Field, ParseContext, Rejected, reject
from xrm_core.fields.strings import clean
from xrm_core.kernel.kinds import Kind
from xrm_core.kernel.problem import Problem
from xrm_core.kernel.text import fold

PARTS: dict[str, int] = {"street": 200, "postcode": 20, "city": 100, "region": 100}
"""The parts besides the country, with the length of each."""
LONGEST = 500

_LANGUAGES = ("en", "de", "fr", "es", "it", "nl", "pl", "pt")
"""In these languages names of countries are understood besides the workspace's own."""
_CODE_LAST = frozenset("US CA GB IE AU NZ IN ZA SG HK PH NG KE TH ID".split())
"""Countries that write the postcode after the town."""
_ALIASES = {
    "uk": "GB",
    "england": "GB",
    "scotland": "GB",
    "wales": "GB",
    "northern ireland": "GB",
    "great britain": "GB",
    "usa": "US",
    "u.s.": "US",
    "u.s.a.": "US",
    "united states of america": "US",
    "holland": "NL",
    "czech republic": "CZ",
    "brd": "DE",
    "macedonia": "MK",
    "uae": "AE",
    "south korea": "KR",
    "russia": "RU",
    "turkey": "TR",
    "ivory coast": "CI",
    "hong kong": "HK",
}
_CODE = r"(?=[A-Z\d -]*\d)[A-Z\d]{2,5}(?:[ -][A-Z\d]{2,4})?"
_CODE_TOWN = re.compile(rf"(?P<postcode>(?:[A-Z]{{1,2}}-)?{_CODE}) (?P<city>[^\d]+)")
_TOWN_CODE = re.compile(rf"(?P<city>[^\d]+?)(?: (?P<region>[A-Z]{{2,3}}))? (?P<postcode>{_CODE})")
_ONLY_CODE = re.compile(rf"(?P<postcode>{_CODE})")
_REGION_CODE = re.compile(rf"(?P<region>[A-Z]{{2,3}}) (?P<postcode>{_CODE})")


class Address(Field):
    """A postal address with street, postcode, city, region and country."""

    kind: ClassVar[Kind] = Kind.TEXT
    json_path: ClassVar[tuple[str, ...]] = ("formatted",)
    attributes: ClassVar[dict[str, Kind]] = {
        **dict.fromkeys(PARTS, Kind.TEXT),
        "country": Kind.TEXT,
        "formatted": Kind.TEXT,
    }

    type: Literal["address"] = "address"

    def value_schema(self) -> dict[str, Any]:
        parts: dict[str, Any] = {
            key: {"type": "string", "minLength": 1, "maxLength": longest} for key, longest in PARTS.items()
        }
        parts["country"] = {"type": "string", "pattern": "^[A-Z]{2}$"}
        parts["formatted"] = {"type": "string", "minLength": 1, "maxLength": LONGEST}
        return {"type": "object", "properties": parts, "required": ["formatted"], "additionalProperties": False}

    def parse(self, raw: Any, context: ParseContext) -> Any:
        if isinstance(raw, str):
            return self.parse_text(raw, context)
        if not isinstance(raw, dict) or not raw.keys() <= self.attributes.keys():
            raise reject(
                "type", "An address is needed.", 'Send {"street", "postcode", "city", "region", "country"} or a text.'
            )
        value: dict[str, str] = {}
        problems: list[Problem] = []
        for key, longest in PARTS.items():
            if raw.get(key) is None:
                continue
            try:
                if part := clean(raw[key], longest):
                    value[key] = part
            except Rejected as rejected:
                problems += [problem.under(f"/{key}") for problem in rejected.problems]
        if raw.get("country"):
            code = country_code(raw["country"], context.language) if isinstance(raw["country"], str) else None
            if code is None:
                problems.append(
                    Problem("country", "/country", "The country is not known.", "Use an ISO 3166 code such as DE.")
                )
            else:
                value["country"] = code
        if problems:
            raise Rejected(*problems)
        if not value:
            return None
        value["formatted"] = formatted(value, context)
        return value

    def parse_text(self, text: str, context: ParseContext) -> Any:
        lines = [" ".join(part.split()) for part in clean(text.strip(), LONGEST, multiline=True).split("\n")]
        text = ", ".join(part for part in lines if part)
        value = split_address(text, context)
        line = formatted(value, context)
        if split_address(line, context) != value:
            # Not understood: better one line as it was written than parts that are wrong.
            return self.parse({"street": text}, context)
        if value and all(len(value.get(key, "")) <= longest for key, longest in PARTS.items()):
            # The parts of a clean text are clean.
            return {**{key: value[key] for key in (*PARTS, "country") if key in value}, "formatted": line}
        return self.parse(value, context)

    def format(self, value: Any, context: ParseContext) -> str:
        return str(value["formatted"])

    def example(self) -> Any:
        return {
            "street": "Hauptstraße 5",
            "postcode": "10827",
            "city": "Berlin",
            "country": "DE",
            "formatted": "Hauptstraße 5, 10827 Berlin, Germany",
        }

    def search_text(self, value: Any) -> str:
        return str(value["formatted"])


def split_address(text: str, context: ParseContext) -> dict[str, str]:
    """The parts of an address in one line: the country at the end, the town by its postcode, the rest is the street."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    value: dict[str, str] = {}
    named = len(parts) > 1 or (parts and len(parts[0]) > 2)
    if named and (code := country_code(parts[-1], context.language)) is not None and not _known_region(parts, code):
        value["country"] = code
        parts.pop()
    for index in range(len(parts) - 1, -1, -1):
        before = 0
        found = None
        if index:
            found = _REGION_CODE.fullmatch(parts[index]) or _ONLY_CODE.fullmatch(parts[index])
            before = 1 if found and not re.search(r"\d", parts[index - 1]) else 0
        if found is None and (index or len(parts) == 1):
            found = _CODE_TOWN.fullmatch(parts[index]) or _TOWN_CODE.fullmatch(parts[index])
        if found is not None:
            value |= {key: part.strip() for key, part in found.groupdict().items() if part}
            if before:
                value["city"] = parts[index - 1]
            if len(parts) > index + 1:
                value["region"] = ", ".join(parts[index + 1 :])
            parts = parts[: index - before]
            break
    else:
        if parts and not re.search(r"\d", parts[-1]):
            value["city"] = parts.pop()
    if parts:
        value["street"] = ", ".join(parts)
    return value


def formatted(value: dict[str, str], context: ParseContext) -> str:
    """The address in one line, with the postcode where the country writes it."""
    country = value.get("country", "")
    street, postcode, city, region = (value.get(key, "") for key in PARTS)
    if (country or context.region) in _CODE_LAST:
        town = (
            [city, " ".join(part for part in (region, postcode) if part)]
            if region
            else [" ".join(part for part in (city, postcode) if part)]
        )
    else:
        town = [" ".join(part for part in (postcode, city) if part), region]
    name = country_name(country, context.language) if country else ""
    return ", ".join(part for part in (street, *town, name) if part)


def country_name(code: str, language: str) -> str:
    """The name of a country in a language."""
    return _names(language).get(code) or _names("en").get(code, code)


def country_code(text: str, language: str) -> str | None:
    """The ISO 3166 code of a country given by its code, or by its name in the language or in English."""
    text = text.strip()
    if len(text) > 60:
        return None
    if len(text) == 2 and text.upper() in _names("en"):
        return text.upper()
    key = fold(text)
    found = _ALIASES.get(key)
    for known in (language, *_LANGUAGES):
        found = found or _codes(known).get(key)
    return found


def _known_region(parts: list[str], code: str) -> bool:
    # "Springfield, IL" names a state, not Israel: two capitals after a town of a country that writes states so.
    return (
        len(parts[-1]) == 2
        and parts[-1].isupper()
        and len(parts) == 2
        and not re.search(r"\d", parts[0])
        and code not in _CODE_LAST
    )


@lru_cache(maxsize=64)
def _names(language: str) -> dict[str, str]:
    try:
        locale = Locale.parse(language.replace("-", "_"))
    except (UnknownLocaleError, ValueError, TypeError):
        locale = Locale.parse("en")
    return {
        code: name
        for code, name in locale.territories.items()
        if len(code) == 2 and code.isalpha() and code not in ("EU", "EZ", "UN", "ZZ", "QO", "XA", "XB")
    }


@lru_cache(maxsize=64)
def _codes(language: str) -> dict[str, str]:
    return {fold(name): code for code, name in _names(language).items()}
