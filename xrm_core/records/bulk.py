"""One action on many records: what it would do, doing it, and doing it as a job in parts; undone as one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from xrm_core.catalog import CompiledModule
from xrm_core.kernel.errors import Invalid, XrmError
from xrm_core.kernel.ids import new_id
from xrm_core.kernel.problem import Problem, pointer
from xrm_core.records import batch, linking, read, relating
from xrm_core.records.changes import titles_for
from xrm_core.records.inputs import read_uuid
from xrm_core.records.query import LARGEST_PAGE, RecordQuery
from xrm_core.records.unit import Unit
from xrm_core.storage import jobs as store
from xrm_core.storage.jobs import Job

AT_ONCE = 200
"""More records than this are worked on as a job."""
PART = 500
TRIED = 2_000
"""A plan tries this many; what it says of more is an estimate."""
MOST = 50_000
SAMPLES = 5
_ACTIONS = ("set", "move", "archive", "link", "unlink")


@dataclass(slots=True)
class Outcome:
    """What became of the records: how many changed, and why others did not."""

    changed: int = 0
    unchanged: int = 0
    skipped: dict[str, dict[str, Any]] = field(default_factory=dict)
    samples: list[str] = field(default_factory=list)
    """Ids of some that changed."""

    def skip(self, identifier: str, problems: Sequence[dict[str, Any]]) -> None:
        """Note why a record was left out; equal reasons are counted together."""
        first = problems[0] if problems else {"code": "refused", "message": "It was refused."}
        key = f"{first['code']} {first['message']}"
        if key not in self.skipped and len(self.skipped) >= 50:
            key, first = "other", {"code": "other", "message": "Other reasons."}
        entry = self.skipped.setdefault(
            key,
            {
                "code": first["code"],
                "message": first["message"],
                "path": first.get("path", ""),
                "count": 0,
                "samples": [],
            },
        )
        entry["count"] += 1
        if len(entry["samples"]) < SAMPLES:
            entry["samples"].append(identifier)

    def merge(self, other: Outcome) -> None:
        """Take in what became of more records."""
        self.changed += other.changed
        self.unchanged += other.unchanged
        self.samples = (self.samples + other.samples)[:SAMPLES]
        for key, entry in other.skipped.items():
            mine = self.skipped.setdefault(key, {**entry, "count": 0, "samples": []})
            mine["count"] += entry["count"]
            mine["samples"] = (mine["samples"] + entry["samples"])[:SAMPLES]

    def as_dict(self) -> dict[str, Any]:
        return {
            "changed": self.changed,
            "unchanged": self.unchanged,
            "skipped": sorted(self.skipped.values(), key=lambda entry: -int(entry["count"])),
            "samples": self.samples,
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Outcome:
        """What `as_dict` gave."""
        skipped = {f"{entry['code']} {entry['message']}": entry for entry in data.get("skipped", ())}
        return cls(data.get("changed", 0), data.get("unchanged", 0), skipped, data.get("samples", []))


async def bulk(unit: Unit, module_name: str, body: dict[str, Any]) -> tuple[Outcome | None, Job | None]:
    """Do it now and say what became of it, or for many records make a job of it."""
    module = unit.module(module_name)
    action = _read(unit, module, body)
    ids = await _ids(unit, module, body)
    if len(ids) <= AT_ONCE:
        await unit.transaction()
        return await apply(unit, module, action, ids), None
    job = Job(
        new_id(), "bulk", "waiting", len(ids), 0,
        {"module": module.id, "action": action, "ids": [str(one) for one in ids]}, {},
        {"id": unit.me, "name": unit.actor.name, "kind": unit.actor.kind}, unit.actor.user_id, unit.change_id,
        unit.now, None, None,
    )  # fmt: skip
    await store.put(await unit.transaction(), unit.schema, job)
    return None, job


async def plan(unit: Unit, module_name: str, body: dict[str, Any]) -> dict[str, Any]:
    """What `bulk` would do: tried out and taken back."""
    module = unit.module(module_name)
    action = _read(unit, module, body)
    ids = await _ids(unit, module, body)
    connection = await unit.transaction()
    tried, found = ids[:TRIED], Outcome()
    try:
        async with connection.transaction():
            found = await apply(unit, module, action, tried)
            raise _Back
    except _Back:
        pass
    unit.changed = None
    exact = len(tried) == len(ids)
    share = len(ids) / len(tried) if tried else 1
    shown = found.as_dict()
    wanted = [UUID(one) for entry in (shown, *shown["skipped"]) for one in entry["samples"]]
    titles = await titles_for(unit, connection, module, wanted)
    for entry in (shown, *shown["skipped"]):
        entry["samples"] = [{"id": one, "title": titles.get(UUID(one), "")} for one in entry["samples"]]
    for entry in shown["skipped"]:
        entry["count"] = round(entry["count"] * share)
    return {
        "total": len(ids),
        "will_change": round(shown["changed"] * share),
        "unchanged": round(shown["unchanged"] * share),
        "skipped": shown["skipped"],
        "samples": shown["samples"],
        "exact": exact,
        "as_job": len(ids) > AT_ONCE,
    }


class _Back(Exception):
    """Takes back what a plan tried."""


async def apply(unit: Unit, module: CompiledModule, action: dict[str, Any], ids: Sequence[UUID]) -> Outcome:
    """The action on these records, each for itself; what cannot be done is left out with its reason."""
    found = Outcome()
    if not ids:
        return found
    if "link" in action or "unlink" in action:
        await _relate(unit, module, action, ids, found)
        return found
    if action.get("archive"):
        body: dict[str, Any] = {"archive": [str(one) for one in ids]}
    else:
        values = dict(action.get("set") or {})
        if "move" in action:
            move = action["move"]
            values |= {**(move.get("values") or {}), "stage": move["stage"]}
            if move.get("reason") is not None:
                values["stage_reason"] = move["reason"]
        body = {"update": [{**values, "id": str(one)} for one in ids]}
    answer = await batch.batch(unit, module.name, {**body, "atomic": False})
    for identifier, outcome in zip(ids, next(iter(answer["results"].values())), strict=True):
        _count(found, str(identifier), outcome)
    return found


def _count(found: Outcome, identifier: str, outcome: dict[str, Any]) -> None:
    if outcome.get("status") == "invalid":
        found.skip(identifier, outcome["problems"])
    elif outcome.get("status") == "unchanged":
        found.unchanged += 1
    else:
        found.changed += 1
        if len(found.samples) < SAMPLES:
            found.samples.append(identifier)


async def _relate(
    unit: Unit, module: CompiledModule, action: dict[str, Any], ids: Sequence[UUID], found: Outcome
) -> None:
    wanted = action.get("link") or action["unlink"]
    connection = await unit.transaction()
    for identifier in ids:
        try:
            async with connection.transaction():
                if "link" in action:
                    await relating.link(
                        unit, module.name, identifier, wanted["name"], UUID(wanted["to"]), wanted.get("attributes")
                    )
                else:
                    await relating.unlink(unit, module.name, identifier, wanted["name"], UUID(wanted["to"]))
        except XrmError as error:
            found.skip(str(identifier), [problem.as_dict() for problem in error.problems])
        else:
            _count(found, str(identifier), {})


# -- reading the request --------------------------------------------------------------------------------------------------


def _read(unit: Unit, module: CompiledModule, body: dict[str, Any]) -> dict[str, Any]:
    """The one action that is asked for; raises Invalid."""
    problems = [
        Problem(
            "unknown_key",
            pointer(key),
            f"{key[:60]!r} is not known here.",
            f"Known: filter, ids, {', '.join(_ACTIONS)}.",
        )
        for key in body
        if key not in (*_ACTIONS, "filter", "ids")
    ]
    given = [key for key in _ACTIONS if body.get(key) not in (None, False)]
    if len(given) != 1:
        problems.append(Problem("action", "", "One action is needed.", f"One of: {', '.join(_ACTIONS)}."))
        raise Invalid(problems)
    action, value = given[0], body[given[0]]
    if action == "archive":
        if value is not True:
            problems.append(Problem("type", "/archive", "true is needed."))
        unit.policy.require(module.id, "archive")
    else:
        unit.policy.require(module.id, "edit")
        if not isinstance(value, dict) or not value:
            problems.append(Problem("type", pointer(action), f"{action!r} is an object."))
        elif action == "set":
            problems += [
                Problem("unknown_field", pointer("set", key), f"{key!r} cannot be set for many records.")
                for key in value
                if key in ("id", "version")
            ]
        elif action == "move":
            problems += _move_problems(module, value)
        else:
            problems += _link_problems(module, action, value)
    if problems:
        raise Invalid(problems)
    return {action: value}


def _move_problems(module: CompiledModule, value: dict[str, Any]) -> list[Problem]:
    found = [
        Problem(
            "unknown_key", pointer("move", key), f"{key[:60]!r} is not known here.", "Known: stage, reason, values."
        )
        for key in value
        if key not in ("stage", "reason", "values")
    ]
    stage = value.get("stage")
    if not isinstance(stage, str) or stage not in module.stages:
        found.append(
            Problem(
                "unknown_stage",
                "/move/stage",
                f"There is no stage {str(stage)[:50]!r}.",
                f"Stages: {', '.join(module.stages)}.",
            )
        )
    if not isinstance(value.get("reason"), (str, type(None))) or not isinstance(
        value.get("values"), (dict, type(None))
    ):
        found.append(Problem("type", "/move", "A reason is a text, values are an object."))
    return found


def _link_problems(module: CompiledModule, action: str, value: dict[str, Any]) -> list[Problem]:
    found = [
        Problem("unknown_key", pointer(action, key), f"{key[:60]!r} is not known here.", "Known: name, to, attributes.")
        for key in value
        if key not in ("name", "to", "attributes")
    ]
    if read_uuid(value.get("to")) is None:
        found.append(Problem("id", pointer(action, "to"), "The id of a record is needed."))
    if not isinstance(value.get("attributes"), (dict, type(None))):
        found.append(Problem("type", pointer(action, "attributes"), "Attributes are an object."))
    linking.find(module, str(value.get("name"))[:100])
    return found


async def _ids(unit: Unit, module: CompiledModule, body: dict[str, Any]) -> list[UUID]:
    """The records that are meant, each once, at most MOST."""
    given = body.get("ids")
    if given is not None:
        if body.get("filter") is not None:
            raise Invalid(Problem("contradiction", "/ids", "Either ids or a filter.", "Leave one of them out."))
        if not isinstance(given, list) or not 1 <= len(given) <= MOST:
            raise Invalid(Problem("type", "/ids", f"A list of 1 to {MOST} ids is needed."))
        found = [read_uuid(one) for one in given]
        wrong = [Problem("id", pointer("ids", n), "This is not an id.") for n, one in enumerate(found) if one is None]
        if wrong:
            raise Invalid(wrong[:50])
        return list(dict.fromkeys(one for one in found if one is not None))
    if "filter" not in body:
        raise Invalid(
            Problem("required", "/filter", "Say which records: a filter or ids.", 'An empty filter, "", means all.')
        )
    text = body["filter"]
    if not isinstance(text, (str, dict)):
        raise Invalid(Problem("type", "/filter", "A filter is an expression or an object."))
    ids: list[UUID] = []
    cursor: str | None = None
    while True:
        query = RecordQuery(
            module.name, filter=text or None, sort=("id",), limit=LARGEST_PAGE, cursor=cursor, fields=("id",)
        )
        page = await read.find(unit, query)
        ids += [UUID(row[7:43].decode()) for row in page.rows]
        if len(ids) > MOST:
            raise Invalid(Problem("too_many", "/filter", f"More than {MOST} records.", "Use a narrower filter."))
        if page.next is None:
            return ids
        cursor = page.next
