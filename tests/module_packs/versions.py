"""The recruiting pack in later versions, made of its files: renamed fields, options renamed and split, a merged stage, another type."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from xrm_core.packs.layout import PackContents
from xrm_core.packs.read import read_pack

SOURCE = Path(__file__).parents[2] / "module_packs" / "recruiting"
LEFT_OUT = shutil.ignore_patterns("sample_data", "scenarios", "docs", "screenshots")


def recruiting(root: Path, version: str = "1.0.0") -> PackContents:
    """The pack in one of its versions 1.0.0, 1.1.0 and 2.0.0, without sample data."""
    folder = root / f"recruiting-{version}"
    if not folder.is_dir():
        shutil.copytree(SOURCE, folder, ignore=LEFT_OUT)
        if version >= "1.1.0":
            _to_1_1(folder)
        if version >= "2.0.0":
            _to_2_0(folder)
        _edit(folder / "pack.json", lambda pack: pack.update(version=version))
    found, problems = read_pack(folder)
    assert found is not None and problems == [], problems
    return found


def _to_1_1(folder: Path) -> None:
    # Three fields get other names, an option gets another name, labels change, a field and a view are new.
    _rename(folder, "candidates", "source_detail", "source_note")
    _rename(folder, "clients", "tax_no", "vat_id")
    _rename(folder, "job_orders", "client_job_ref", "client_reference")

    def clients(module: dict[str, Any]) -> None:
        treatment = _part(module, "fields", "vat_treatment")
        option = next(one for one in treatment["options"] if one["name"] == "export")
        option |= {"id": "export", "name": "outside"}
        module["fields"].append({"name": "duns", "type": "text", "label": {"en": "DUNS", "de": "DUNS"}, "unique": True})
        module["views"].append(
            {"name": "by_tier", "label": {"en": "By tier", "de": "Nach Stufe"}, "group_by": "tier", "layout": "board"}
        )

    def candidates(module: dict[str, Any]) -> None:
        _part(module, "fields", "headline")["label"] = {"en": "Profile", "de": "Profil"}
        _part(module, "fields", "skills")["label"] = {"en": "Abilities", "de": "Fähigkeiten"}

    _edit(folder / "modules/clients.json", clients)
    _edit(folder / "modules/candidates.json", candidates)


def _to_2_0(folder: Path) -> None:
    # An option is split in two, one is dropped, a stage is merged into another, a text becomes a number, a field goes.
    def candidates(module: dict[str, Any]) -> None:
        status = _part(module, "fields", "availability_status")
        place = next(i for i, one in enumerate(status["options"]) if one["name"] == "notice")
        status["options"][place : place + 1] = [
            {"name": "notice_short", "label": {"en": "Short notice", "de": "Kurze Frist"}},
            {"name": "notice_long", "label": {"en": "Long notice", "de": "Lange Frist"}},
        ]
        channel = _part(module, "fields", "preferred_channel")
        channel["options"] = [one for one in channel["options"] if one["name"] != "sms"]
        module["fields"] = [one for one in module["fields"] if one["name"] != "other_urls"]
        for section in module["layout"]["sections"]:
            section["fields"] = [name for name in section["fields"] if name != "other_urls"]

    def submissions(module: dict[str, Any]) -> None:
        stages = module["pipelines"][0]["stages"]
        module["pipelines"][0]["stages"] = [one for one in stages if one["name"] != "contacted"]
        for stage in module["pipelines"][0]["stages"]:
            if "moves_to" in stage:
                stage["moves_to"] = [name for name in stage["moves_to"] if name != "contacted"]

    def orders(module: dict[str, Any]) -> None:
        field = _part(module, "fields", "client_reference")
        kept = {key: field[key] for key in ("id", "name", "label")}
        field.clear()
        field |= {**kept, "type": "integer"}

    _edit(folder / "modules/candidates.json", candidates)
    _edit(folder / "modules/submissions.json", submissions)
    _edit(folder / "modules/job_orders.json", orders)
    conversions = [
        {
            "module": "candidates",
            "field": "availability_status",
            "map": {"notice": "notice_long"},
            "when": "years_experience > 10",
        },
        {"module": "candidates", "field": "availability_status", "map": {"notice": "notice_short"}},
        {"module": "candidates", "field": "preferred_channel", "map": {"sms": "phone"}},
        {"module": "submissions", "map": {"contacted": "identified"}},
    ]
    (folder / "migrations").mkdir(exist_ok=True)
    (folder / "migrations/to_2.json").write_text(json.dumps({"version": "2.0.0", "conversions": conversions}))


def _rename(folder: Path, module: str, old: str, new: str) -> None:
    path = folder / f"modules/{module}.json"
    path.write_text(re.sub(rf"\b{old}\b", new, path.read_text(encoding="utf-8")), encoding="utf-8")
    _edit(path, lambda data: _part(data, "fields", new).update(id=old))


def _edit(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    data = json.loads(path.read_text(encoding="utf-8"))
    change(data)
    path.write_text(json.dumps(data, ensure_ascii=False, indent=2), encoding="utf-8")


def _part(module: dict[str, Any], part: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in module[part] if one["name"] == name)
    return found
