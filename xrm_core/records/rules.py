"""What must hold before a record is stored: required values, conditions, validation rules and entry into stages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from xrm_core.catalog import Catalog, CompiledModule
from xrm_core.definitions import Stage, ValidationRule
from xrm_core.expressions.typed import Over, Typed, walk
from xrm_core.kernel.labels import label_text
from xrm_core.kernel.problem import Problem, pointer
from xrm_core.records.environment import RecordEnv, python_of
from xrm_core.storage.hops import Source, readings, sources
from xrm_core.storage.rows import Row

Test = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition of a definition, ready to be asked; `keys` are the record's own values it depends on."""

    typed: Typed
    test: Test
    keys: frozenset[str]
    by_sql: bool


@dataclass(frozen=True, slots=True)
class Check:
    """A validation rule: where `when` holds, `check` must hold."""

    rule: ValidationRule
    when: Condition | None
    check: Condition

    @property
    def keys(self) -> frozenset[str]:
        return self.check.keys | (self.when.keys if self.when else frozenset())

    @property
    def by_sql(self) -> bool:
        return self.check.by_sql or (self.when is not None and self.when.by_sql)


@dataclass(frozen=True)
class Rules:
    """All rules of a module, compiled once per catalog."""

    required: tuple[tuple[str, str, str], ...]
    """(id, name, label) of what every record needs."""
    required_when: tuple[tuple[str, str, str, Condition], ...]
    read_only_when: tuple[tuple[str, str, str, Condition], ...]
    checks: tuple[Check, ...]
    entry: dict[str, Condition]
    """Conditions for entering a stage, by stage name."""
    sources: tuple[Source, ...]
    """What the rules read behind links."""
    starts: tuple[tuple[str, Condition], ...] = ()
    """The first stage of every variant, with the condition that makes a record one."""

    def needed(self, changed: set[str]) -> list[Source]:
        """What has to be loaded from behind links when these keys changed."""
        if not self.sources:
            return []
        asked: set[str] = set()
        for key, _, _, condition in (*self.required_when, *self.read_only_when):
            asked |= condition.keys if key in changed or condition.keys & changed else frozenset()
        for check in self.checks:
            asked |= check.keys if check.keys & changed else frozenset()
        for condition in self.entry.values():
            asked |= condition.keys if "stage" in changed else frozenset()
        return [source for source in self.sources if source.ids[0] in asked]


def rules_of(catalog: Catalog, module: CompiledModule) -> Rules:
    """The compiled rules of a module."""
    found: Rules | None = module.memo.get("rules")
    if found is None:
        found = module.memo["rules"] = _compile(catalog, module)
    return found


def _compile(catalog: Catalog, module: CompiledModule) -> Rules:
    trees: list[Typed] = []

    def condition(source: str | None) -> Condition | None:
        if not source:
            return None
        typed, _ = catalog.scopes.condition(module.definition, source)
        if typed is None:
            return None
        trees.append(typed)
        keys = frozenset(
            reading.hops[0].link.id if reading.hops and reading.hops[0].link.module_id == module.id else reading.key
            for reading in readings(typed, module.id, catalog.modules)
        )
        listed = any(isinstance(part, Over) for part in walk(typed))
        # What is computed from lists of other records is known once the record is stored.
        later = any((module.id, key) in catalog.graph.elsewhere for key in keys)
        return Condition(typed, python_of(catalog, typed), keys, listed or later)

    parts = [known.definition for known in module.fields.values() if known.writable] + [
        link.definition for link in module.links.values()
    ]
    required, required_when, read_only_when = [], [], []
    for part in parts:
        label = label_text(part.label)
        if part.required:
            required.append((part.id, part.name, label))
        when = condition(part.required_when)
        if when is not None:
            required_when.append((part.id, part.name, label, when))
        locked = condition(getattr(part, "read_only_when", None))
        if locked is not None:
            read_only_when.append((part.id, part.name, label, locked))
    checks = []
    for rule in module.definition.rules:
        if isinstance(rule, ValidationRule) and not rule.archived:
            check = condition(rule.check)
            if check is not None:
                checks.append(Check(rule, condition(rule.when), check))
    entry = {name: found for name, source in _entries(module) if (found := condition(source)) is not None}
    starts = [
        (first, found)
        for pipeline in module.definition.variants
        if (first := next((stage.name for stage in pipeline.stages if not stage.archived), None)) is not None
        and (found := condition(pipeline.when)) is not None
    ]
    behind = {
        source.ids: source for typed in trees for source in sources(typed, module.id, catalog.modules) if source.hops
    }
    return Rules(
        tuple(required),
        tuple(required_when),
        tuple(read_only_when),
        tuple(checks),
        entry,
        tuple(behind.values()),
        tuple(starts),
    )


def _entries(module: CompiledModule) -> Iterator[tuple[str, str | None]]:
    """The condition for entering each stage: its own, and that the record is one of its pipeline's."""
    variants = module.definition.variants
    for pipeline in module.definition.pipelines:
        others = variants[: variants.index(pipeline)] if pipeline in variants else variants
        parts = [f"not ({other.when})" for other in others] + ([f"({pipeline.when})"] if pipeline.when else [])
        for stage in pipeline.stages:
            own = [*parts, f"({stage.entry_when})"] if stage.entry_when else parts
            yield stage.name, " and ".join(own) or None


def start(catalog: Catalog, module: CompiledModule, env: RecordEnv) -> str | None:
    """The first stage of the variant that a new record is; None when it is none."""
    for stage, condition in rules_of(catalog, module).starts:
        if not condition.by_sql and condition.test(env) is True:
            return stage
    return None


def verify(
    catalog: Catalog,
    module: CompiledModule,
    env: RecordEnv,
    before: Row | None,
    changed: set[str],
    many: set[str],
    language: str,
) -> tuple[list[Problem], list[Problem]]:
    """(problems, warnings) of a record about to be stored.

    An update is held only to what it touches: an old value that a newer rule forbids passes, and is reported as a warning.
    `many` are the many-to-many links that get at least one target.
    """
    rules = rules_of(catalog, module)
    row = env.row
    problems: list[Problem] = []
    warnings: list[Problem] = []

    def missing(key: str) -> bool:
        return row.data.get(key) is None and not row.beside.get(key) and key not in many

    for key, name, label in rules.required:
        if missing(key) and not (before is not None and _is_many(module, key) and key not in changed):
            found = Problem("required", pointer(name), f"{label} is needed.")
            (problems if before is None or key in changed else warnings).append(found)
    for key, name, label, condition in rules.required_when:
        if missing(key) and not condition.by_sql and condition.test(env) is True:
            touched = before is None or key in changed or condition.keys & changed
            (problems if touched else warnings).append(Problem("required", pointer(name), f"{label} is needed here."))
    for key, name, label, condition in rules.read_only_when:
        if before is not None and key in changed and not condition.by_sql and condition.test(env.over(before)) is True:
            problems.append(Problem("read_only", pointer(name), f"{label} cannot be changed any more."))
    for check in rules.checks:
        if check.by_sql:
            continue
        relevant = before is None or bool(check.keys & changed)
        if not relevant:
            continue
        if check.when is not None and check.when.test(env) is not True:
            continue
        if check.check.test(env) is not True:
            place = pointer(check.rule.fields[0]) if check.rule.fields else ""
            text = (
                label_text(check.rule.message, language)
                if check.rule.message
                else f"The rule {check.rule.name} does not hold."
            )
            found = Problem(f"rule:{check.rule.name}", place, text)
            (problems if check.rule.severity == "error" else warnings).append(found)
    return problems, warnings


def _is_many(module: CompiledModule, key: str) -> bool:
    link = module.links_by_id.get(key)
    return link is not None and link.many


def may_enter(
    catalog: Catalog,
    module: CompiledModule,
    env: RecordEnv,
    stage: Stage,
    before: str | None,
    reason: str | None,
    linked: Iterable[str] = (),
) -> list[Problem]:
    """Why a record may not enter a stage; empty if it may."""
    problems: list[Problem] = []
    known = set(linked)
    if before is not None and before != stage.name:
        leaving = module.stages.get(before)
        if leaving is not None and leaving.moves_to is not None and stage.name not in leaving.moves_to:
            allowed = ", ".join(leaving.moves_to) or "none"
            problems.append(
                Problem(
                    "stage_move",
                    "/stage",
                    f"{label_text(leaving.label)} is not followed by {label_text(stage.label)}.",
                    f"Allowed: {allowed}.",
                )
            )
    for name in stage.requires:
        part = module.fields.get(name) or module.links.get(name)
        if part is None:
            if name == "owner" and env.row.owner is None:
                problems.append(Problem("required", "/owner", f"Owner is needed for {label_text(stage.label)}."))
            continue
        if env.row.data.get(part.id) is None and not env.row.beside.get(part.id) and part.id not in known:
            problems.append(
                Problem(
                    "required",
                    pointer(name),
                    f"{label_text(part.definition.label)} is needed for {label_text(stage.label)}.",
                )
            )
    condition = rules_of(catalog, module).entry.get(stage.name)
    if condition is not None and not condition.by_sql and condition.test(env) is not True:
        problems.append(
            Problem(
                "stage_entry",
                "/stage",
                f"The condition for {label_text(stage.label)} does not hold: {stage.entry_when}"
                if stage.entry_when
                else f"{label_text(stage.label)} is a stage of another kind of record.",
            )
        )
    if stage.reasons:
        names = [option.name for option in stage.reasons if not option.archived]
        if reason not in names:
            problems.append(
                Problem(
                    "reason", "/reason", f"{label_text(stage.label)} needs a reason.", f"One of: {', '.join(names)}."
                )
            )
    return problems
