"""A step with a pack in words: what changes where, what meets local changes, and which values go along."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from xrm_core.definitions.collection import DefinitionSet
from xrm_core.definitions.diff import Change
from xrm_core.definitions.merge import Conflict
from xrm_core.kernel.labels import Label
from xrm_core.packs.plans import PackPlan
from xrm_core.web.describe import Describer
from xrm_core.web.services import Visit
from xrm_core.web.views_packs import ChangeGroup, ChangeLine, ConflictBox

MARKS = {
    "added": ("plus", "green"),
    "removed": ("minus", "red"),
    "changed": ("pencil", "blue"),
    "moved": ("arrow-down-up", "gray"),
}
LONGEST = 240
MOST_LINES = 60


class Telling:
    """Finds words for the places of a plan; the set that is wanted knows them first, then the live one."""

    def __init__(self, here: Visit, plan: PackPlan) -> None:
        self.here = here
        self.plan = plan
        self.describer = Describer(here)
        self.sets: tuple[DefinitionSet, ...] = (plan.change.wanted, here.unit.catalog.definitions)
        t = here.t
        self.kinds = {"added": t("added"), "removed": t("removed"), "changed": t("changed"), "moved": t("moved")}
        self.effects = {
            "safe": "",
            "needs_backfill": t("values are computed again"),
            "destructive": t("takes values away"),
        }
        self.parts = {
            "fields": t("Field"), "links": t("Link"), "pipelines": t("Pipeline"), "stages": t("Stage"), "rules": t("Rule"),
            "views": t("View"), "sections": t("Section"), "options": t("Option"), "panels": t("Panel"),
            "attributes": t("Attribute"), "reasons": t("Reason"),
        }  # fmt: skip
        self.clashes = {
            "changed": t("Changed here and in the pack"), "added": t("Added here and in the pack"),
            "deleted_here": t("Removed here, changed in the pack"), "deleted_there": t("Changed here, removed in the pack"),
            "renamed": t("Renamed here and in the pack"), "moved": t("Moved here and in the pack"),
            "type": t("Another type here and in the pack"),
        }  # fmt: skip

    def groups(self) -> tuple[ChangeGroup, ...]:
        """The changes by module."""
        found: dict[str, list[Change]] = {}
        for change in self.plan.changes:
            kind, name = change.parts[0], change.parts[1] if len(change.parts) > 1 else ""
            if kind not in ("origin", "pack"):
                found.setdefault(f"{kind}/{name}" if kind == "module" else kind, []).append(change)
        groups = [self._group(key, changes) for key, changes in found.items()]
        return tuple(sorted(groups, key=lambda group: (not group.whole, group.label)))

    def _group(self, key: str, changes: list[Change]) -> ChangeGroup:
        counts = self.plan.change.impact or {}
        lines = []
        for change in changes[:MOST_LINES]:
            mark, hue = MARKS[change.kind]
            lines.append(
                ChangeLine(
                    self.kinds[change.kind], mark, hue, self.place(change.path, inside=True), self.effects[change.effect],
                    counts.get(change.path),
                )
            )  # fmt: skip
        if len(changes) > MOST_LINES:
            lines.append(
                ChangeLine(
                    "", "ellipsis", "gray", self.here.t("{count} more", count=len(changes) - MOST_LINES), "", None
                )
            )
        kind, _, name = key.partition("/")
        if kind != "module":
            label = {"role": self.here.t("Roles"), "automation": self.here.t("Automations")}.get(kind, kind.title())
            return ChangeGroup(label, "shield" if kind == "role" else "zap", tuple(lines), False)
        module = next((one.by_id[name] for one in self.sets if name in one.by_id), None)
        label = self.text(module.label_plural or module.label) if module is not None else name
        whole = any(
            len(change.parts) == 2 or change.path.endswith("/archived") and len(change.parts) == 3 for change in changes
        )
        return ChangeGroup(label, module.icon if module is not None else "box", tuple(lines), whole)

    def text(self, label: Label | None) -> str:
        return self.describer.text(label)

    def place(self, path: str, *, inside: bool = False) -> str:
        """A path of ids in words: module, part and property."""
        kind, name, *rest = [*path.split("/"), ""][: path.count("/") + 1] if "/" in path else [path, ""]
        words: list[str] = []
        node: Any = None
        if kind == "module":
            found = [one.as_json().get(f"module/{name}") for one in self.sets if name in one.by_id]
            node = found[0] if found else None
            label = self.text(node["label"]) if node is not None else name
            if not inside or not rest:
                words.append(self.here.t("Module {name}", name=label) if not rest else label)
        else:
            words.append(f"{self.here.t('Role') if kind == 'role' else kind} {name}")
        while rest:
            step = rest.pop(0)
            members = node.get(step) if isinstance(node, dict) else None
            if step in self.parts and rest:
                wanted = rest.pop(0)
                node = self._member(found, path, step, wanted) if kind == "module" else None
                shown = self.text(node["label"]) if node is not None and node.get("label") else wanted
                words.append(f"{self.parts[step]} “{shown}”" if wanted != "*" else self.here.t("order"))
            else:
                node = members
                words.append(step.replace("_", " "))
        return " › ".join(words)

    def _member(
        self, trees: Iterable[dict[str, Any] | None], path: str, step: str, wanted: str
    ) -> dict[str, Any] | None:
        """The member of a list somewhere along the path, in whichever set has it."""
        steps = path.split("/")[2:]
        for tree in trees:
            node: Any = tree
            for index, part in enumerate(steps):
                if isinstance(node, list):
                    node = next((one for one in node if part in (one.get("id"), one.get("name"))), None)
                elif isinstance(node, dict):
                    node = node.get(part)
                if index and part == wanted and steps[index - 1] == step:
                    break
            if isinstance(node, dict):
                return node
        return None

    # -- conflicts ----------------------------------------------------------------------------------------------------

    def conflicts(self) -> tuple[ConflictBox, ...]:
        """What somebody has to decide, or has decided."""
        return tuple(self._conflict(one) for one in self.plan.conflicts)

    def _conflict(self, conflict: Conflict) -> ConflictBox:
        t, shown = self.here.t, conflict.as_dict()
        names = {"base": t("Was"), "theirs": t("The pack now"), "mine": t("Here")}
        sides = tuple(
            (label, self.value(shown[key]) if key in shown else t("not there")) for key, label in names.items()
        )
        words = {"mine": t("Keep mine"), "theirs": t("Take theirs"), "both": t("Both together")}
        return ConflictBox(
            conflict.path,
            self.place(conflict.path),
            self.clashes[conflict.clash],
            sides,
            tuple((choice, words[choice]) for choice in conflict.choices),
            conflict.chosen if conflict.decided else "",
            conflict.hint,
        )

    def value(self, value: Any) -> str:
        """A value of a definition for people: a label in their language, else short JSON."""
        if (
            isinstance(value, dict)
            and value
            and all(len(key) in (2, 5) and isinstance(text, str) for key, text in value.items())
        ):
            return self.text(value)
        if isinstance(value, list) and all(isinstance(one, str) for one in value):
            return ", ".join(value)[:LONGEST] or "–"
        if isinstance(value, dict) and "name" in value:
            label = self.text(value["label"]) if value.get("label") else value["name"]
            return f"{label} ({value['name']})"
        if isinstance(value, str):
            return value[:LONGEST]
        text = json.dumps(value, ensure_ascii=False, sort_keys=True)
        return text if len(text) <= LONGEST else text[:LONGEST] + "…"

    # -- values and notes ---------------------------------------------------------------------------------------------

    def values(self) -> tuple[str, ...]:
        """Which values of records go along."""
        found = []
        for planned in self.plan.conversions:
            shown = planned.as_dict()
            where = self.place(f"module/{planned.module_id}")
            key = self.place(f"module/{planned.module_id}/fields/{planned.key}", inside=True)
            count = self.here.plural("{count} record", "{count} records", shown["records"])
            text = self.here.t("set aside, they come back with the field") if planned.clear else self.here.t("go along")
            found.append(f"{where} › {key}: {count} {text}")
        return tuple(found)

    def notes(self) -> tuple[str, ...]:
        """What stayed or changed its name by itself, with the reason."""
        return tuple(
            f"{self.place(note.path)}: {note.why or note.what}"
            for note in self.plan.merged.notes
            if note.what != "taken"
        )[:MOST_LINES]
