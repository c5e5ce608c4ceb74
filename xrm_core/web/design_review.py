"""The review of a draft, with what it would do to records, and the history of all versions."""

from __future__ import annotations

import json
from typing import Any

from litestar import Response, get

from xrm_core.definitions.diff import Change
from xrm_core.kernel.errors import XrmError
from xrm_core.publishing.drafts import Draft, Drafts
from xrm_core.publishing.history import history, version_dict
from xrm_core.web import formats
from xrm_core.web.design_inputs import shown_label
from xrm_core.web.designing import bar, drafts_of, frame, node_of
from xrm_core.web.frame import page
from xrm_core.web.services import Req, Visit, services_of, visit
from xrm_core.web.views_design import ChangeView, ConflictView, DesignHistory, DesignReview, VersionView

HUES = {"safe": "green", "needs_backfill": "amber", "destructive": "red"}
LONGEST = 160


@get("/design/review")
async def review(request: Req) -> Response[bytes]:
    """What publishing the draft would do."""
    async with visit(request) as here:
        here.unit.policy.require_design()
        return page(here, await review_view(here, drafts_of(here)), frame(here, here.t("Review")))


@get("/design/history")
async def versions(request: Req) -> Response[bytes]:
    """All versions, with the way back."""
    async with visit(request) as here:
        here.unit.policy.require_design()
        before = request.query_params.get("before", "")
        async with services_of(request).units.database.writing() as connection:
            found = await history(connection, here.unit.schema, limit=30, before=int(before) if before.isdigit() else None)
        draft = await drafts_of(here).get()
        rows = []
        for version in found.versions:
            told = version_dict(version)
            changed = [_said(here, draft, one["path"], one.get("kind", "")) for one in told["changes"]]
            more = len(changed) - 6
            shown = (*changed[:6], here.t("{count} more", count=more)) if more > 0 else tuple(changed)
            rows.append(
                VersionView(
                    version.number, version.author.get("name") or "?", told["at"],
                    formats.instant(told["at"], here.locale, here.zone), version.summary, tuple(shown), version.number == draft.number,
                )
            )  # fmt: skip
        onward = f"/design/history?before={found.next}" if found.next is not None else ""
        return page(here, DesignHistory(bar(here, draft), tuple(rows), onward), frame(here, here.t("History")))


async def review_view(here: Visit, drafts: Drafts, error: str = "") -> DesignReview:
    """The changes of the draft with their effects; when others published meanwhile, what both changed."""
    draft = await drafts.get()
    if draft.base_number != draft.number:
        _, merged = await drafts.rebase(only_plan=True)
        conflicts = tuple(_conflict(here, one.as_dict()) for one in merged.open)
        return DesignReview(bar(here, draft), tuple(_plain(here, draft, one) for one in draft.changes()), conflicts=conflicts, error=error)
    try:
        made = await drafts.plan(samples=5)
    except XrmError as refused:
        if refused.status >= 500:
            raise
        problems = tuple(f"{one.message} {one.hint}".strip() for one in refused.problems)
        return DesignReview(bar(here, draft), tuple(_plain(here, draft, one) for one in draft.changes()), problems=problems, error=error)
    shown = made.as_dict()
    changes = tuple(_change(here, draft, one) for one in shown["changes"])
    problems = tuple(f"{one.message} {one.hint}".strip() for one in made.problems)
    work = tuple(dict.fromkeys(_work(here, one) for one in shown["work"]))
    return DesignReview(bar(here, draft), changes, work, problems, error=error)


def _plain(here: Visit, draft: Draft, change: Change) -> ChangeView:
    return _change(here, draft, change.as_dict())


def _change(here: Visit, draft: Draft, told: dict[str, Any]) -> ChangeView:
    t = here.t
    effect = told.get("effect", "safe")
    words = {"safe": t("safe"), "needs_backfill": t("fills values"), "destructive": t("destructive")}
    records = told.get("records")
    count = "" if records is None else here.plural("{count} record has a value", "{count} records have a value", records)
    taken = told.get("takes_over") or {}
    if taken.get("fails"):
        count = here.plural("{count} value does not fit", "{count} values do not fit", taken["fails"])
    given = told.get("failing")
    failing: list[dict[str, Any]] = given if isinstance(given, list) else []
    if failing:
        count = t("records that do not hold it")
    samples = tuple(f"{one.get('value', '')}: {one.get('problem', '')}".strip(": ") for one in taken.get("samples", ())[:5])
    samples += tuple(str(one.get("title") or one.get("record")) for one in failing[:5])
    used = tuple(str(one.get("path", one)) if isinstance(one, dict) else str(one) for one in told.get("uses", ()))
    path, kind = told["path"], t(told.get("kind", ""))
    before, after = _short(here, told.get("before")), _short(here, told.get("after"))
    if path.endswith("/archived"):
        path, kind, before, after = path.rpartition("/")[0], t("archived") if told.get("after") else t("restored"), "", ""
    return ChangeView(
        told["path"], _said(here, draft, path, ""), kind, words.get(effect, effect), HUES.get(effect, "gray"), count,
        str(told.get("reason", "")), samples, used[:10], _name_of(draft, path) if effect == "destructive" else "",
        before, after,
    )  # fmt: skip


def _name_of(draft: Draft, path: str) -> str:
    """The name of the definition that a change is about, which has to be typed before values go."""
    parts = path.split("/")
    for end in range(len(parts), 1, -1):
        found = node_of(draft.base, "/".join(parts[:end])) or node_of(draft.wanted, "/".join(parts[:end]))
        if found is not None:
            return str(found[0]["name"])
    return parts[-1]


def _text(value: Any) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _short(here: Visit, value: Any) -> str:
    """A value before or after: a whole definition by what it holds, anything else as it is."""
    if not isinstance(value, dict) or not ({"fields", "type", "to", "stages", "kind"} & value.keys()):
        return _text(value)
    t = here.t
    words = [t(str(value[key]).replace("_", " ").capitalize()) for key in ("type", "kind") if value.get(key)]
    words += [f"→ {', '.join(value['to'])}"] if isinstance(value.get("to"), list) else []
    counts = (("fields", t("Fields")), ("links", t("Links")), ("stages", t("Stages")), ("rules", t("Rules")), ("views", t("Views")))
    parts = {**value, "stages": [one for pipeline in value.get("pipelines", ()) for one in pipeline.get("stages", ())] or value.get("stages", ())}
    words += [f"{label}: {len(parts[key])}" for key, label in counts if parts.get(key)]
    return " · ".join(words)


def _said(here: Visit, draft: Draft, path: str, kind: str) -> str:
    """A path of ids as people call it: the module, then the part."""
    parts = path.split("/")
    words = []
    for end in range(2, len(parts) + 1):
        node = "/".join(parts[:end])
        found = node_of(draft.wanted, node) or node_of(draft.base, node)
        if found is not None:
            words.append(shown_label(found[0], here.locale))
    text = " › ".join(words) or path
    rest = parts[-1].replace("_", " ") if words and not node_of(draft.wanted, path) and not node_of(draft.base, path) else ""
    return " · ".join(part for part in (text, rest, kind) if part)


def _work(here: Visit, told: dict[str, Any]) -> str:
    return " ".join(str(told.get(key, "")) for key in ("kind", "module", "field") if told.get(key)).replace("_", " ")


def _conflict(here: Visit, told: dict[str, Any]) -> ConflictView:
    t = here.t
    words = {"mine": t("Mine"), "theirs": t("Theirs"), "both": t("Both")}
    choices = tuple((one, words.get(one, one)) for one in told.get("choices", ("mine", "theirs")))
    return ConflictView(told["path"], _text(told.get("ours", told.get("mine"))), _text(told.get("theirs")), choices)


HANDLERS = [review, versions]
