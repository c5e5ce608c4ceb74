"""Recruiting 1.0 to 1.1 to 2.0 in a workspace that an administrator has made her own in twenty ways."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.module_packs.versions import recruiting
from tests.packs_life.conftest import ADMIN, Life, life
from xrm_core.definitions import edit
from xrm_core.definitions.collection import DefinitionSet
from xrm_core.definitions.merge import Decision
from xrm_core.packs.install import install
from xrm_core.packs.plans import PackPlan
from xrm_core.packs.upgrade import plan_rollback, plan_upgrade, rollback, upgrade

__all__ = ["life"]

ROOMS = {
    "name": "rooms", "label": "Room", "label_plural": "Rooms", "title": "{{ name }}",
    "fields": [{"name": "name", "type": "text", "label": "Name"}],
}  # fmt: skip


def customised(d: DefinitionSet) -> DefinitionSet:
    """Twenty changes of an administrator: labels, fields, links, options, stages, rules, views, layouts, roles, names."""
    d = edit.patch_part(
        d, "candidates", "fields", "headline", {"label": {"en": "Tagline", "de": "Motto"}}
    )  # 1: conflicts
    d = edit.patch_part(d, "candidates", "fields", "skills", {"help": "At least three"})  # 2
    d = edit.add_part(d, "candidates", "fields", {"name": "nickname", "type": "text", "label": "Nickname"}, 1)  # 3
    d = edit.add_part(d, "candidates", "fields", {"name": "shoe", "type": "integer", "label": "Shoe size"})  # 4
    d = edit.add_part(
        d,
        "candidates",
        "fields",
        {"name": "heard", "type": "formula", "label": "Heard", "formula": "concat(source_detail, '!')"},
    )  # 5: reads what is renamed
    d = edit.patch_part(d, "candidates", "fields", "phone_2", {"name": "mobile"})  # 6
    d = edit.remove_part(d, "candidates", "fields", "photo")  # 7
    industry = next(f for f in d.by_name["clients"].fields if f.name == "industry")
    options = [one.model_dump(exclude_none=True) for one in industry.options]  # type: ignore[attr-defined]
    options[0]["label"] = "Our first"
    d = edit.patch_part(
        d, "clients", "fields", "industry", {"options": [*options, {"name": "zoo", "label": "Zoo"}]}
    )  # 8, 9
    d = edit.add_part(d, "clients", "fields", {"name": "parking", "type": "boolean", "label": "Parking"})  # 10
    d = edit.add_part(d, "clients", "rules", {"name": "no_test", "kind": "validation", "check": "name != 'test'"})  # 11
    d = edit.add_part(
        d,
        "clients",
        "views",
        {"name": "ours", "label": "Ours", "columns": ["name", "tax_no"], "filter": "is_not_empty(tax_no)"},
    )  # 12: shows what is renamed
    d = edit.patch_module(d, "clients", {"icon": "building", "order": 3})  # 13
    pipelines = [one.model_dump(exclude_none=True, mode="json") for one in d.by_name["submissions"].pipelines]
    pipelines[0]["stages"].insert(3, {"name": "on_ice", "label": "On ice"})
    pipelines[0]["stages"][0]["label"] = "Spotted"
    d = d.with_module(
        type(d.by_name["submissions"]).model_validate(
            {
                **d.by_name["submissions"].model_dump(exclude_none=True, mode="json", by_alias=True),
                "pipelines": pipelines,
            }
        )
    )  # 14, 15
    d = edit.move_part(d, "job_orders", "fields", "urgency", 0)  # 16
    d = edit.patch_part(d, "job_orders", "fields", "role_title", {"help": "As on the contract"})  # 17
    d = edit.add_module(d, ROOMS)  # 18
    d = edit.add_part(
        d,
        "rooms",
        "links",
        {"name": "client", "label": "Client", "to": ["clients"], "inverse": {"name": "rooms", "label": "Rooms"}},
    )  # 19
    return edit.add_role(d, {"name": "porter", "label": "Porter", "modules": {"rooms": {"see": "all"}},
                             "hidden_fields": {"clients": ["tax_no"]}})  # 20  # fmt: skip


async def filled(life: Life) -> dict[str, str]:
    """Records in every state that the versions convert."""
    await life.become_member()
    ids: dict[str, str] = {"source": await life.create("sources", name="Own network")}
    ids["client"] = await life.create(
        "clients",
        name="Acme",
        payment_terms="net_30",
        currency="EUR",
        tax_no="DE 1",
        vat_treatment="export",
        industry="zoo",
    )
    for number, (status, years, channel) in enumerate(
        [("notice", "12", "sms"), ("notice", "3", "email"), ("immediately", "20", "sms"), ("notice", "11", None)]
    ):
        ids[f"c{number}"] = await life.create(
            "candidates", name=f"Person {number}", source=ids["source"], legal_basis="contract", legal_basis_at="2026-01-01",
            availability_status=status, years_experience=years, source_detail=f"Fair {number}", nickname=f"N{number}",
            mobile="+49 30 12345678", **({"preferred_channel": channel} if channel else {}),
        )  # fmt: skip
    for number, reference in enumerate(["4711", "A-1"]):
        ids[f"j{number}"] = await life.create(
            "job_orders", client=ids["client"], role_title="Role", positions=1, engagement_type="permanent",
            opened_on="2026-01-05", client_job_ref=reference,
        )  # fmt: skip
    for number, stage in enumerate(["identified", "contacted", "contacted", "on_ice"]):
        ids[f"s{number}"] = await life.create(
            "submissions", candidate=ids[f"c{number}"], job_order=ids["j0"], source=ids["source"], stage=stage
        )
    return ids


async def values(life: Life, ids: dict[str, str]) -> dict[str, Any]:
    modules = {"s": "submissions", "c": "candidates", "j": "job_orders"}
    names = {key: modules[key[0]] for key in ids if key[0] in modules and key[1:].isdigit()} | {"client": "clients"}
    quiet = ("version", "revision", "updated_at", "updated_by", "stage_entered_at")
    return {
        key: {name: one for name, one in (await life.get(module, ids[key])).items() if name not in quiet}
        for key, module in names.items()
    }


async def go(life: Life, root: Path, version: str, **decided: Decision) -> PackPlan:
    answers = {path.replace("__", "/"): one for path, one in decided.items()}
    plan = await plan_upgrade(life.units, life.workspace, ADMIN, recruiting(root, version), answers)
    assert plan.ok, plan.problems
    await upgrade(life.units, life.workspace, ADMIN, plan)
    return plan


async def back(life: Life) -> None:
    await rollback(
        life.units, life.workspace, ADMIN, await plan_rollback(life.units, life.workspace, ADMIN, "recruiting")
    )


async def test_twenty_changes_survive_two_upgrades_counts_are_right_and_the_way_back_is_exact(
    life: Life, tmp_path: Path
) -> None:
    await install(life.units, life.workspace, ADMIN, recruiting(tmp_path))
    await life.edit(customised)
    ids = await filled(life)
    start, stored = (await life.live()).hash, await values(life, ids)

    undecided = await plan_upgrade(life.units, life.workspace, ADMIN, recruiting(tmp_path, "1.1.0"))
    assert not undecided.ok
    paths = {conflict.path for conflict in undecided.conflicts}
    assert paths == {"module/candidates/fields/headline/label/en", "module/candidates/fields/headline/label/de"}
    keep = {path.replace("/", "__"): Decision("mine") for path in paths}
    plan = await go(life, tmp_path, "1.1.0", **keep)
    assert [(p.module_id, p.key, p.counts) for p in plan.conversions] == [("clients", "vat_treatment", {"export": 1})]
    client = await life.get("clients", ids["client"])
    assert (client["vat_id"], client["vat_treatment"], client["industry"]) == ("DE 1", "outside", "zoo")
    first = await life.get("candidates", ids["c0"])
    assert (first["source_note"], first["heard"], first["nickname"]) == ("Fair 0", "Fair 0!", "N0")
    _stands(await life.live(), "1.1.0")

    between, stored_between = (await life.live()).hash, await values(life, ids)
    plan = await go(life, tmp_path, "2.0.0")
    counted = {(p.module_id, p.key): p.counts for p in plan.conversions}
    after = await values(life, ids)
    changed = {
        ("candidates", "availability_status"): {"notice": 3},
        ("candidates", "preferred_channel"): {"sms": 2},
        ("submissions", "stage"): {"contacted": 2},
        ("job_orders", "client_job_ref"): {"": 2},
    }
    assert counted == changed
    differing = {
        (key, name)
        for key, record in after.items()
        for name in record.keys() | stored_between[key].keys()
        if record.get(name) != stored_between[key].get(name) and key[0] in "csj" and name in (
            "availability_status", "preferred_channel", "stage", "client_reference")
    }  # fmt: skip
    assert len(differing) == sum(sum(one.values()) for one in counted.values()), "what was announced is what happened"
    assert [after[f"c{n}"]["availability_status"] for n in range(4)] == [
        "notice_long",
        "notice_short",
        "immediately",
        "notice_long",
    ]
    assert [after[f"s{n}"]["stage"] for n in range(4)] == ["identified", "identified", "identified", "on_ice"]
    assert [after[f"j{n}"].get("client_reference") for n in range(2)] == [4711, None]
    assert after["c0"]["preferred_channel"] == "phone"
    _stands(await life.live(), "2.0.0")

    await back(life)
    assert (await life.live()).hash == between
    assert await values(life, ids) == stored_between
    await back(life)
    assert (await life.live()).hash == start
    assert await values(life, ids) == stored
    plan = await plan_upgrade(life.units, life.workspace, ADMIN, recruiting(tmp_path, "2.0.0"))
    assert {conflict.path for conflict in plan.conflicts} <= paths, "one step over two versions meets nothing new"


def _stands(live: DefinitionSet, version: str) -> None:
    """Every one of the twenty changes is still there."""
    candidates, clients = live.by_name["candidates"], live.by_name["clients"]
    fields = {field.name: field for module in (candidates, clients) for field in module.fields}
    assert fields["headline"].label == {"en": "Tagline", "de": "Motto"}
    assert (fields["skills"].help, fields["skills"].label) == (
        "At least three",
        {"en": "Abilities", "de": "Fähigkeiten"},
    )
    assert {"nickname", "shoe", "mobile", "parking", "duns", "source_note", "vat_id"} <= fields.keys()
    assert fields["heard"].formula == "concat(source_note, '!')"  # type: ignore[attr-defined]
    assert fields["photo"].archived
    options = {one.name: one.label for one in fields["industry"].options}  # type: ignore[attr-defined]
    assert "zoo" in options and "Our first" in options.values()
    assert "no_test" in {rule.name for rule in clients.rules}
    views = {view.name: view for view in clients.views}
    assert views["ours"].columns == ("name", "vat_id") and views["ours"].filter == "is_not_empty(vat_id)"
    assert "by_tier" in views
    assert (clients.icon, clients.order) == ("building", 3)
    stages = [stage for stage in live.by_name["submissions"].pipelines[0].stages if not stage.archived]
    assert (stages[0].label, "on_ice" in {stage.name for stage in stages}) == ("Spotted", True)
    assert ("contacted" in {stage.name for stage in stages}) == (version == "1.1.0")
    orders = live.by_name["job_orders"]
    assert orders.fields[0].name == "urgency"
    assert next(field for field in orders.fields if field.name == "role_title").help == "As on the contract"
    assert live.by_name["rooms"].links[0].to == ("clients",)
    porter = next(role for role in live.roles if role.name == "porter")
    assert porter.hidden_fields == {"clients": ("vat_id",)}
    assert live.packs == {"recruiting": version}
