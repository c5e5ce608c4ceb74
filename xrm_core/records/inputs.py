"""Reading what a caller wants to write: names to ids, values parsed field by field, all problems at once."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from xrm_core.access.policy import ModulePolicy
from xrm_core.fields import ParseContext, Rejected
from xrm_core.kernel.problem import Problem, pointer, under
from xrm_core.storage.model import CompiledField, CompiledLink, CompiledModule

READ_ONLY_SYSTEM = frozenset(
    "id module version title created_at created_by updated_at updated_by archived_at stage_entered_at".split()
)


@dataclass(slots=True)
class Reference:
    """A link target as the caller named it: by id, or by the value of a field that tells it apart."""

    module: str | None
    id: UUID | None
    by: dict[str, Any] | None = None
    attributes: dict[str, Any] | None = None
    path: str = ""


@dataclass(slots=True)
class Input:
    """A parsed payload; values are in stored form under ids, None clears."""

    values: dict[str, Any] = field(default_factory=dict)
    links: dict[str, Reference | None] = field(default_factory=dict)
    many: dict[str, list[Reference]] = field(default_factory=dict)
    owner: UUID | None = None
    has_owner: bool = False
    stage: str | None = None
    reason: str | None = None
    problems: list[Problem] = field(default_factory=list)


def read_input(
    module: CompiledModule, payload: Any, context: ParseContext, rights: ModulePolicy, *, by_system: bool = False
) -> Input:
    """The payload of one record; unknown names, computed fields and wrong values become problems with their path.

    Fields that people cannot change are set by the system itself.
    """
    found = Input()
    if not isinstance(payload, dict):
        found.problems.append(Problem("type", "", "A record is a JSON object.", 'Send {"field": value, …}.'))
        return found
    for name, raw in payload.items():
        known = _writable(module, name, rights, by_system)
        if known is not None:
            _value(found, known, name, raw, context)
        else:
            _other(found, module, name, raw, rights, by_system)
    return found


def _writable(module: CompiledModule, name: str, rights: ModulePolicy, by_system: bool) -> CompiledField | None:
    known = module.fields.get(name)
    if known is None or not known.writable or known.id in rights.hidden or known.id in rights.read_only:
        return None
    return None if known.definition.read_only and not by_system else known


def _other(
    found: Input, module: CompiledModule, name: str, raw: Any, rights: ModulePolicy, by_system: bool
) -> None:
    hidden, read_only = rights.hidden, rights.read_only
    known = module.fields.get(name)
    if known is not None and known.id not in hidden:
        found.problems.append(_not_writable(known))
        return
    link = module.links.get(name)
    if link is not None and link.id not in hidden:
        if (link.definition.read_only and not by_system) or link.id in read_only:
            found.problems.append(Problem("read_only", pointer(name), f"{name} cannot be changed."))
            return
        _link(found, link, name, raw)
        return
    _system(found, module, name, raw, hidden)


_TRIED = 200
"""After so many values of a column it shows whether they come again."""
_REMEMBERED = 4_000


@dataclass(slots=True)
class _Column:
    """One field of many payloads; `seen` are values that were parsed before, None where they do not come again."""

    known: CompiledField
    key: str
    parse: Callable[[Any, ParseContext], Any]
    seen: dict[Any, Any] | None = field(default_factory=dict)
    asked: int = 0


class Reader:
    """Reads many payloads of one module as `read_input` does: what a name means is found once, what a value means seldom twice.

    Values inside documents are never changed in place, so that records may share them.
    """

    def __init__(
        self, module: CompiledModule, context: ParseContext, rights: ModulePolicy, *, by_system: bool = False
    ) -> None:
        self._module = module
        self._context = context
        self._rights = rights
        self._by_system = by_system
        self._columns: dict[str, _Column | None] = {}

    def read(self, payload: Any) -> Input:
        """The payload of one record."""
        if not isinstance(payload, dict):
            return read_input(self._module, payload, self._context, self._rights, by_system=self._by_system)
        found = Input()
        columns, values, context = self._columns, found.values, self._context
        for name, raw in payload.items():
            try:
                column = columns[name]
            except KeyError:
                known = _writable(self._module, name, self._rights, self._by_system)
                column = columns[name] = None if known is None else _Column(known, known.id, known.definition.parse)
            if column is None:
                _other(found, self._module, name, raw, self._rights, self._by_system)
                continue
            if raw is None or raw == "" or raw == []:
                values[column.key] = None
                continue
            seen = column.seen
            if seen is None:
                mark = None
            else:
                mark = _mark(raw)
                column.asked += 1
                if mark is not None:
                    try:
                        values[column.key] = seen[mark]
                        continue
                    except KeyError:
                        pass
                    except TypeError:  # something inside that cannot be a key
                        mark = None
                if column.asked == _TRIED and len(seen) > _TRIED // 2:
                    column.seen = mark = None
            try:
                value = values[column.key] = column.parse(raw, context)
            except (Rejected, RecursionError):
                _value(found, column.known, name, raw, context)
                continue
            if mark is not None and seen is not None and len(seen) < _REMEMBERED:
                seen[mark] = value
        return found


def _mark(raw: Any) -> Any:
    """What tells a value from others, with the types of its parts (1, 1.0 and true are equal); None if it is not worth it."""
    kind = type(raw)
    if kind is str:
        return raw if len(raw) <= 200 else None
    if kind is list:
        return (*raw, *map(type, raw)) if len(raw) <= 20 else None
    if kind is dict:
        values = raw.values()
        return (*raw, *values, *map(type, values)) if len(raw) <= 10 else None
    return None


def _value(found: Input, known: CompiledField, name: str, raw: Any, context: ParseContext) -> None:
    if raw is None or raw == "" or raw == []:
        found.values[known.id] = None
        return
    try:
        found.values[known.id] = known.definition.parse(raw, context)
    except Rejected as rejected:
        found.problems.extend(under(pointer(name), rejected.problems))
    except RecursionError:
        found.problems.append(Problem("too_deep", pointer(name), "The value is nested too deeply."))


def _link(found: Input, link: CompiledLink, name: str, raw: Any) -> None:
    if link.many:
        if raw is None:
            raw = []
        if not isinstance(raw, list):
            found.problems.append(
                Problem(
                    "type", pointer(name), f"{name} takes a list of records.", 'Send a list of ids or of {"id": …}.'
                )
            )
            return
        if len(raw) > 1000:
            found.problems.append(Problem("too_many", pointer(name), "At most 1,000 links at once."))
            return
        references = []
        for index, item in enumerate(raw):
            reference = _reference(found, link, pointer(name, index), item)
            if reference is not None:
                references.append(reference)
        found.many[link.id] = references
        return
    if raw is None or raw == "":
        found.links[link.id] = None
        return
    reference = _reference(found, link, pointer(name), raw)
    if reference is not None:
        found.links[link.id] = reference


def _reference(found: Input, link: CompiledLink, path: str, raw: Any) -> Reference | None:
    single = link.definition.to[0] if not link.polymorphic else None
    if isinstance(raw, str):
        if single is None:
            found.problems.append(
                Problem(
                    "module_needed",
                    path,
                    "This link leads to several modules, so the module is needed.",
                    f'Send {{"module": one of {", ".join(link.definition.to)}, "id": …}}.',
                )
            )
            return None
        identifier = read_uuid(raw)
        if identifier is None:
            found.problems.append(
                Problem("id", path, "This is not the id of a record.", 'Send an id, or {"by": {"field": value}}.')
            )
            return None
        return Reference(single, identifier, path=path)
    if isinstance(raw, dict):
        module = raw.get("module", single)
        if module is not None and (not isinstance(module, str) or module not in link.definition.to):
            found.problems.append(
                Problem("module", path + "/module", f"This link leads to {' or '.join(link.definition.to)}.", "")
            )
            return None
        attributes = raw.get("attributes")
        if attributes is not None and not isinstance(attributes, dict):
            found.problems.append(Problem("type", path + "/attributes", "Attributes are a JSON object."))
            return None
        unknown = set(raw) - {"module", "id", "title", "by", "attributes"}
        if unknown:
            found.problems.append(
                Problem(
                    "unknown_key",
                    path,
                    f"{sorted(unknown)[0]!r} is not known here.",
                    "Known: id, module, by, attributes.",
                )
            )
            return None
        if module is None:
            found.problems.append(
                Problem("module_needed", path, "This link leads to several modules, so the module is needed.")
            )
            return None
        if "id" in raw:
            identifier = read_uuid(raw["id"])
            if identifier is not None:
                return Reference(module, identifier, attributes=attributes, path=path)
            found.problems.append(Problem("id", path + "/id", "This is not the id of a record."))
            return None
        by = raw.get("by")
        if isinstance(by, dict) and 1 <= len(by) <= 4:
            return Reference(module, None, by=by, attributes=attributes, path=path)
    found.problems.append(
        Problem("type", path, "A record is named by its id.", 'Send an id, or {"by": {"field": value}}.')
    )
    return None


def _system(found: Input, module: CompiledModule, name: str, raw: Any, hidden: frozenset[str]) -> None:
    if name == "owner":
        found.has_owner = True
        if raw is None or raw == "":
            return
        found.owner = read_uuid(raw["id"] if isinstance(raw, dict) and "id" in raw else raw)
        if found.owner is None:
            found.problems.append(Problem("id", "/owner", "The owner is named by a user's id."))
        return
    if name == "stage" and module.pipeline is not None:
        stage = module.stages.get(raw) if isinstance(raw, str) else None
        if stage is None or stage.archived:
            known = [stage.name for stage in module.stages.values() if not stage.archived]
            close = difflib.get_close_matches(str(raw), known, n=1)
            found.problems.append(
                Problem(
                    "unknown_stage",
                    "/stage",
                    f"There is no stage {str(raw)[:50]!r}.",
                    f"Did you mean {close[0]!r}?" if close else f"Stages: {', '.join(known)}.",
                )
            )
        else:
            found.stage = stage.name
        return
    if name == "stage_reason" and module.pipeline is not None:
        if raw is not None and not isinstance(raw, str):
            found.problems.append(Problem("type", "/stage_reason", "A reason is a text."))
        found.reason = raw
        return
    if name in READ_ONLY_SYSTEM:
        found.problems.append(
            Problem("read_only", pointer(name), f"{name} is kept by the engine and cannot be written.", "Leave it out.")
        )
        return
    known_names = [n for n, f in module.fields.items() if f.id not in hidden and f.writable] + [
        n for n, link in module.links.items() if link.id not in hidden
    ]
    close = difflib.get_close_matches(name, known_names, n=1)
    shown = name if len(name) <= 60 else name[:60] + "…"
    found.problems.append(
        Problem(
            "unknown_field",
            pointer(name),
            f"{module.name} has no field {shown!r}.",
            f"Did you mean {close[0]!r}?" if close else "",
        )
    )


def _not_writable(known: CompiledField) -> Problem:
    if known.computed:
        return Problem(
            "computed", pointer(known.name), f"{known.name} is computed and cannot be written.", "Leave it out."
        )
    return Problem("read_only", pointer(known.name), f"{known.name} cannot be changed.", "Leave it out.")


def read_uuid(raw: Any) -> UUID | None:
    """A UUID from its usual text form, else None."""
    if isinstance(raw, UUID):
        return raw
    if not isinstance(raw, str) or len(raw) != 36:
        return None
    try:
        return UUID(raw)
    except ValueError:
        return None
