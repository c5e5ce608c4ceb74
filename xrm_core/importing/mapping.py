"""Which column goes where: what somebody said, and for the rest what the headers say."""

from __future__ import annotations

import re
from collections.abc import Iterable
from collections.abc import Mapping as Dict
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import available_timezones

from xrm_core.catalog import CompiledModule
from xrm_core.definitions.names import did_you_mean
from xrm_core.importing.headers import canonical, likeness, squashed, without
from xrm_core.importing.targets import KEY, Target, read_target
from xrm_core.kernel.labels import Label
from xrm_core.kernel.problem import Problem, pointer
from xrm_core.records.unit import Unit

SURE_ENOUGH = 0.69
IGNORED = ("", "-", "ignore")
_CHOICES = {
    "existing": ("update", "skip"),
    "missing": ("create", "skip"),
    "unresolved": ("skip", "without"),
    "empty": ("keep", "clear"),
    "ragged": ("skip", "fill"),
    "rest": ("guess", "ignore"),
}


@dataclass(frozen=True)
class Mapping:
    """What a person or a bundle said about a file."""

    columns: dict[str, str | None] = field(default_factory=dict)
    """Column to target; None leaves it out. Columns that are not here are guessed, unless `rest` is "ignore"."""
    constants: dict[str, str] = field(default_factory=dict)
    """Target to the text that every row gets."""
    values: dict[str, dict[str, str]] = field(default_factory=dict)
    """Per column: cells that stand for another text; "*" for all other cells that are not empty."""
    match: tuple[str, ...] = ()
    """Fields that tell which existing record a row is about."""
    source: str = "import"
    """The system that keys come from."""
    existing: str = "update"
    missing: str = "create"
    unresolved: str = "skip"
    """A row whose link leads nowhere is left out, or imported without the link."""
    empty: str = "keep"
    """An empty cell of a row about an existing record keeps the value, or clears it."""
    ragged: str = "skip"
    rest: str = "guess"
    region: str | None = None
    """The country (ISO 3166) that tells how numbers without a prefix and dates like 3/4/2026 are meant."""
    currency: str | None = None
    """The currency (ISO 4217) of amounts that name none."""
    zone: str | None = None
    """The time zone (IANA) of times that name none."""

    def as_json(self) -> dict[str, Any]:
        """The mapping as it is stored and sent."""
        found: dict[str, Any] = {"columns": self.columns, "match": list(self.match), "source": self.source}
        found |= {key: value for key in ("constants", "values", "region", "currency", "zone") if (value := getattr(self, key))}
        return found | {key: getattr(self, key) for key in _CHOICES}


@dataclass(frozen=True, slots=True)
class Assigned:
    """One column and where it goes; `sure` is how much a guess deserves trust, 1 for what somebody said."""

    index: int
    column: str
    target: Target | None
    sure: float = 1.0


def read_mapping(given: Any) -> tuple[Mapping, list[Problem]]:
    """A mapping from JSON, and what is wrong with its shape."""
    problems: list[Problem] = []
    if not isinstance(given, dict):
        return Mapping(), [Problem("type", "", "A mapping is a JSON object.", 'Such as {"columns": {"Mail": "email"}}.')]
    known = ("columns", "constants", "values", "match", "source", "region", "currency", "zone", *_CHOICES)
    problems += [
        Problem("unknown_key", pointer(key), f"There is no {key[:60]!r} here.", did_you_mean(key, known))
        for key in given
        if key not in known
    ]
    columns = _texts(given.get("columns"), "columns", problems, or_none=True)
    constants = _texts(given.get("constants"), "constants", problems)
    values: dict[str, dict[str, str]] = {}
    raw = given.get("values")
    raw = {} if raw is None else raw
    if isinstance(raw, dict):
        for column, table in raw.items():
            values[column] = {key: value or "" for key, value in _texts(table, f"values/{column}", problems).items()}
    else:
        problems.append(Problem("type", "/values", "'values' is an object of columns."))
    match = given.get("match") or []
    match = [match] if isinstance(match, str) else match
    if not isinstance(match, list) or not all(isinstance(one, str) for one in match) or len(match) > 4:
        problems.append(Problem("type", "/match", "'match' is a list of at most four field names."))
        match = []
    source = given.get("source", "import")
    if not isinstance(source, str) or not 1 <= len(source) <= 100 or not source.isprintable():
        problems.append(Problem("type", "/source", "'source' is the short name of a system."))
        source = "import"
    options: dict[str, Any] = {}
    for key, length, example in (("region", 2, "US"), ("currency", 3, "USD")):
        code = given.get(key)
        if code is not None and (not isinstance(code, str) or not re.fullmatch(rf"[A-Z]{{{length}}}", code)):
            problems.append(Problem("type", pointer(key), f"{key!r} is a code such as {example}."))
            code = None
        options[key] = code
    zone = options["zone"] = given.get("zone")
    if zone is not None and (not isinstance(zone, str) or zone not in available_timezones()):
        problems.append(Problem("type", "/zone", "'zone' is the name of a time zone such as Europe/Berlin."))
        options["zone"] = None
    for key, allowed in _CHOICES.items():
        value = given.get(key, allowed[0])
        if value not in allowed:
            problems.append(Problem("type", pointer(key), f"{key!r} is {' or '.join(allowed)}."))
            value = allowed[0]
        options[key] = value
    found = Mapping(columns, {k: v or "" for k, v in constants.items()}, values, tuple(match), source, **options)
    return found, problems


def _texts(raw: Any, key: str, problems: list[Problem], *, or_none: bool = False) -> dict[str, str | None]:
    if raw is None:
        return {}
    if not isinstance(raw, dict) or not all(
        isinstance(value, str) or (or_none and value is None) for value in raw.values()
    ):
        problems.append(Problem("type", f"/{key}", f"{key!r} is an object of texts."))
        return {}
    return dict(raw)


def assign(
    unit: Unit, module: CompiledModule, columns: tuple[str, ...], mapping: Mapping
) -> tuple[list[Assigned], list[Problem]]:
    """Where every column goes, and every problem of the mapping: unknown columns and targets, two columns for one field."""
    problems: list[Problem] = []
    index_of = {name: index for index, name in enumerate(columns)}
    folded = {squashed(name): name for name in reversed(columns)}
    said: dict[str, Target | None] = {}
    for column, text in mapping.columns.items():
        name = column if column in index_of else folded.get(squashed(column))
        if name is None:
            problems.append(
                Problem(
                    "unknown_column", pointer("columns", column), f"The file has no column {column[:60]!r}.",
                    did_you_mean(column, columns),
                )
            )  # fmt: skip
            continue
        if text is None or text.strip() in IGNORED:
            said[name] = None
            continue
        target = read_target(unit, module, text)
        if isinstance(target, Problem):
            problems.append(target.under(pointer("columns", column)))
        else:
            said[name] = target
    taken: dict[tuple[str, str], str] = {}
    for text in mapping.constants:
        fixed = read_target(unit, module, text)
        if isinstance(fixed, Problem):
            problems.append(fixed.under(pointer("constants", text)))
        else:
            _take(taken, fixed, f"the constant {text}", pointer("constants", text), problems)
    for name, goal in said.items():
        if goal is not None:
            _take(taken, goal, name, pointer("columns", name), problems)
    guesses = {} if mapping.rest == "ignore" else _guess(unit, module, [c for c in columns if c not in said], taken)
    found = [
        Assigned(index, column, said[column])
        if column in said
        else Assigned(index, column, *guesses.get(column, (None, 0.0)))
        for index, column in enumerate(columns)
    ]
    problems += _check_match(module, mapping, found)
    if not problems and not any(one.target is not None for one in found):
        problems.append(
            Problem(
                "nothing_mapped", "/columns", f"No column of the file fits {module.definition.plural()}.",
                'Say where columns go, such as {"columns": {"Mail": "email"}}.',
            )
        )  # fmt: skip
    return found, problems


def _take(
    taken: dict[tuple[str, str], str], target: Target, column: str, place: str, problems: list[Problem]
) -> None:
    spots = [target.place] if target.kind == "part" else [target.place, *(one for one in taken if one[0] == target.name)]
    for spot in (*spots, (target.name, "")):
        if spot in taken:
            message = f"{column!r} and {taken[spot]!r} both go to {target.text}."
            problems.append(Problem("target_twice", place, message, "Leave one of them out."))
            return
    taken[target.place] = column


def _check_match(module: CompiledModule, mapping: Mapping, found: Iterable[Assigned]) -> list[Problem]:
    given = {one.target.name for one in found if one.target is not None and one.target.kind in ("field", "key", "id", "part")}
    given |= {text.partition(".")[0] for text in mapping.constants}
    problems = []
    for name in mapping.match:
        if name not in (KEY, "id") and (name not in module.fields or module.fields[name].beside):
            known = [KEY, "id", *module.fields]
            problems.append(
                Problem("unknown_field", "/match", f"Records cannot be found by {name[:60]!r}.", did_you_mean(name, known))
            )
        elif name not in given:
            problems.append(
                Problem("not_mapped", "/match", f"No column goes to {name}, so no record can be found by it.")
            )
    if (KEY in mapping.match or "id" in mapping.match) and len(mapping.match) > 1:
        problems.append(Problem("match", "/match", "A key or an id is enough; match by it alone."))
    return problems


# -- guessing -------------------------------------------------------------------------------------------------------------


def _guess(
    unit: Unit, module: CompiledModule, columns: list[str], taken: Dict[tuple[str, str], str]
) -> dict[str, tuple[Target, float]]:
    """The best target for each column, the surest first; a target is given once."""
    offers = _offers(unit, module)
    around = [module.name, module.definition.text(), *_labels(module.definition.label), *_labels(module.definition.label_plural)]
    rated: list[tuple[float, int, int, str, Target]] = []
    for position, column in enumerate(columns):
        for order, (names, target) in enumerate(offers):
            sure = likeness(column, names, around)
            if sure >= SURE_ENOUGH:
                rated.append((-sure, order, position, column, target))
    for position, column in enumerate(columns):
        link = _link_guess(unit, module, column)
        if link is not None:
            rated.append((-link[1], len(offers), position, column, link[0]))
    found: dict[str, tuple[Target, float]] = {}
    used = dict(taken)
    for sure, _, _, column, target in sorted(rated, key=lambda one: one[:3]):
        problems: list[Problem] = []
        if column not in found:
            _take(used, target, column, "", problems)
            if not problems:
                found[column] = (target, round(-sure, 2))
    return found


def _labels(label: Label) -> list[str]:
    return [label] if isinstance(label, str) else list(label.values())


def _offers(unit: Unit, module: CompiledModule) -> list[tuple[list[str], Target]]:
    """Everything a header may mean, with its names: fields first, then parts of their values, links, system fields."""
    found: list[tuple[list[str], Target]] = []
    parts: list[tuple[list[str], Target]] = []
    composed: set[str] = set()
    for known in module.fields.values():
        target = read_target(unit, module, known.name)
        if isinstance(target, Problem):
            continue
        names = [known.name, known.id, *_labels(known.definition.label)]
        found.append((names, target))
        if target.kind == "user":
            found.append(([f"{name} email" for name in names], Target("user", known.name, "email")))
            continue
        for part in known.definition.attributes if known.definition.json_path else ():
            if part in ("full", "formatted"):
                continue
            part_names = [f"{name} {part}" for name in names]
            if part not in composed:
                part_names.append(part)
                composed.add(part)
            parts.append((part_names, Target("part", known.name, part)))
    for link in module.links.values():
        target = read_target(unit, module, link.name)
        if not isinstance(target, Problem):
            found.append(([link.name, link.id, *_labels(link.definition.label)], target))
    system = {"owner": ["owner"], "created_at": ["created at", "created"], KEY: [KEY]}
    if module.pipeline is not None:
        system["stage"] = ["stage", *_labels(module.pipeline.label)]
    for name, names in system.items():
        target = read_target(unit, module, name)
        if not isinstance(target, Problem):
            found.append((names, target))
    return found + parts


def _link_guess(unit: Unit, module: CompiledModule, column: str) -> tuple[Target, float] | None:
    """`Company name`, `company_email`: a link and what its target is found by."""
    wanted = squashed(column)
    for link in module.links.values():
        names = [link.name, *_labels(link.definition.label)]
        rest = without(wanted, names)
        if not rest or link.polymorphic:
            continue
        other = unit.catalog.find(link.definition.to[0])
        for known in other.fields.values() if other is not None else ():
            if rest == squashed(known.name) or canonical(rest) == canonical(known.name):
                target = read_target(unit, module, f"{link.name}.{known.name}")
                if not isinstance(target, Problem):
                    return target, 0.8
        if canonical(rest) == "name":
            target = read_target(unit, module, f"{link.name}.title")
            if not isinstance(target, Problem):
                return target, 0.75
        if rest in ("id", "externalid", "key"):
            target = read_target(unit, module, f"{link.name}.{KEY}")
            if not isinstance(target, Problem):
                return target, 0.7
    return None
