"""The name of a person."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from xrm_core.fields.base import Field, ParseContext, Rejected, reject
from xrm_core.fields.strings import clean
from xrm_core.kernel.kinds import Kind
from xrm_core.kernel.problem import Problem
from xrm_core.kernel.text import fold

PARTS: dict[str, int] = {"prefix": 40, "first": 100, "middle": 100, "last": 100, "suffix": 40}
"""The parts in the order of the written name, with the length of each."""

_PREFIXES = frozenset(
    "mr mrs ms miss mx dr prof professor sir dame lord lady rev hon "
    "herr frau hr fr mme mlle m ing dipl.-ing dipl-ing mag".split()
)
_SUFFIXES = frozenset("jr sr ii iii iv v phd ph.d md m.d mba msc m.sc bsc b.sc ma m.a ba b.a llm ll.m esq cpa".split())
_PARTICLES = frozenset(
    "van von vom zu zur zum der den de del della dei di da das do dos du la le lo el al bin ibn ben "
    "ter ten te af av".split()
)


class PersonName(Field):
    """A person's name: first, middle and last name with title and suffix."""

    kind: ClassVar[Kind] = Kind.TEXT
    json_path: ClassVar[tuple[str, ...]] = ("full",)
    attributes: ClassVar[dict[str, Kind]] = {**dict.fromkeys(PARTS, Kind.TEXT), "full": Kind.TEXT}

    type: Literal["person_name"] = "person_name"

    def value_schema(self) -> dict[str, Any]:
        parts: dict[str, Any] = {
            key: {"type": "string", "minLength": 1, "maxLength": longest} for key, longest in PARTS.items()
        }
        parts["full"] = {"type": "string", "minLength": 1}
        return {"type": "object", "properties": parts, "required": ["full"], "additionalProperties": False}

    def parse(self, raw: Any, context: ParseContext) -> Any:
        if isinstance(raw, str):
            return self.parse_text(raw, context)
        if not isinstance(raw, dict) or not raw.keys() <= self.attributes.keys():
            raise reject("type", "A name is needed.", 'Send {"first", "last"} or a text.')
        value: dict[str, str] = {}
        problems: list[Problem] = []
        for key, longest in PARTS.items():
            part = raw.get(key)
            if part is None:
                continue
            try:
                if part := clean(part, longest):
                    value[key] = part
            except Rejected as rejected:
                problems += [problem.under(f"/{key}") for problem in rejected.problems]
        if problems:
            raise Rejected(*problems)
        full = " ".join(value[key] for key in ("first", "middle", "last", "suffix") if key in value)
        if not full:
            if value:
                raise reject("required", "A title alone is not a name.", "Give the first or the last name.", "/last")
            return None
        value["full"] = full
        return value

    def parse_text(self, text: str, context: ParseContext) -> Any:
        text = clean(text, 400)
        return self.parse(split_name(text), context) if text else None

    def format(self, value: Any, context: ParseContext) -> str:
        return f"{value['prefix']} {value['full']}" if "prefix" in value else str(value["full"])

    def example(self) -> Any:
        return {"first": "Erika", "last": "Mustermann", "full": "Erika Mustermann"}

    def search_text(self, value: Any) -> str:
        return str(value["full"])


def split_name(text: str) -> dict[str, str]:
    """The parts of a written name: "Dr. Anna Maria van den Berg jr." or "van den Berg, Anna Maria"."""
    value: dict[str, str] = {}
    family, comma, given = text.partition(",")
    if comma and _bare(given) in _SUFFIXES:
        text, comma = f"{family} {given}", ""
    words = (given if comma else text.replace(",", " ")).split()
    _take(words, 0, _PREFIXES, value, "prefix")
    _take(words, -1, _SUFFIXES, value, "suffix")
    if comma:
        surname = family.split()
        _take(surname, -1, _SUFFIXES, value, "suffix")
        last = surname
    else:
        # The last name begins with the first particle after the first name, else it is the last word.
        start = next(
            (index for index, word in enumerate(words[:-1]) if index and fold(word) in _PARTICLES),
            max(len(words) - 1, 1),
        )
        last = words[start:]
        words = words[:start]
    if not last and "prefix" in value:
        words, last = [], words
    value |= {"first": " ".join(words[:1]), "middle": " ".join(words[1:]), "last": " ".join(last)}
    if not value["first"] and not value["last"]:
        return {"first": text.strip()}
    return {key: part for key, part in value.items() if part}


def _take(words: list[str], end: Literal[0, -1], known: frozenset[str], value: dict[str, str], key: str) -> None:
    taken: list[str] = []
    while len(words) > 1 and _bare(words[end]) in known:
        word = words.pop(end)
        taken = [*taken, word] if end == 0 else [word, *taken]
    if taken:
        value[key] = " ".join(([value[key]] if key in value else []) + taken)


def _bare(word: str) -> str:
    return fold(word.strip()).rstrip(".")
