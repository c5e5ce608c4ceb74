"""Roles and layouts in the designer: rights per module and field, layouts per role and pipeline, seen as that role."""

from __future__ import annotations

import json
import re
from typing import Any

import httpx

from tests.browser.site import PASSWORD
from tests.web.test_pages_http import web

__all__ = ["web"]


async def token(web: httpx.AsyncClient) -> str:
    found = re.search(r'name="csrf-token" content="([^"]+)"', (await web.get("/design")).text)
    assert found is not None
    return found[1]


async def done(web: httpx.AsyncClient, to: str, status: int = 303, /, **values: Any) -> httpx.Response:
    answer = await web.post(to, data={"_csrf": await token(web), **values})
    assert answer.status_code == status, answer.text
    return answer


async def publish(web: httpx.AsyncClient) -> None:
    review = (await web.get("/design/review")).text
    version = re.search(r'name="version" value="(\d+)"', review)
    assert version is not None, review
    # What goes out of sight has to be named.
    confirmed = {name: name.removesuffix("/archived").rpartition("/")[2] for name in re.findall(r'name="(confirm\.[^"]+)"', review)}
    await done(web, "/design/publish", version=version[1], summary="Roles", **confirmed)


def preview(text: str) -> str:
    return text.partition('data-part="preview"')[2]


async def test_a_role_is_made_given_rights_and_seen_in_the_preview(web: httpx.AsyncClient) -> None:
    made = await done(web, "/design/roles", label="Clerk", like="viewer")
    assert made.headers["location"] == "/design/roles/clerk"
    page = (await web.get("/design/roles/clerk")).text
    assert "All other modules" in page and 'name="see.orders"' in page
    rights = {"see.orders": "own", "edit.orders": "own", "archive.orders": "none", "create.orders": "true", "see.*": "none",
              "edit.*": "none", "archive.*": "none", "import": "true", "label.en": "Clerk"}  # fmt: skip
    await done(web, "/design/roles/clerk", do="rights", **rights)
    await done(web, "/design/roles/clerk", do="fields", module="orders", **{"field.value": "hidden", "field.due": "read_only"})
    page = (await web.get("/design/roles/clerk?module=orders")).text
    assert re.search(r'name="field.value".*?value="hidden" selected', page, re.S)
    shown = preview((await web.get("/design/orders?tab=layouts&as=clerk")).text)
    assert "Subject" in shown and ">Value<" not in shown and ">Value<" in preview((await web.get("/design/orders?tab=layouts")).text)
    assert "does not see" in preview((await web.get("/design/suppliers?tab=layouts&as=clerk")).text)
    await publish(web)
    roles = {one["name"]: one for one in (await web.get("/api/v1/roles")).json()["data"]}
    clerk = roles["clerk"]
    assert clerk["modules"]["orders"]["see"] == "own" and clerk["modules"]["orders"]["create"] and clerk["import"]
    assert clerk["hidden_fields"] == {"orders": ["value"]} and clerk["read_only_fields"] == {"orders": ["due"]}
    await done(web, "/design/roles/clerk", do="rights", **{**rights, "see.orders": ""})
    await done(web, "/design/roles/clerk", do="fields", module="orders")
    await done(web, "/design/roles", do="archive", role="clerk")
    assert "Archived" in (await web.get("/design/roles")).text
    await done(web, "/design/roles", do="restore", role="clerk")
    await publish(web)
    clerk = {one["name"]: one for one in (await web.get("/api/v1/roles")).json()["data"]}["clerk"]
    assert "orders" not in clerk["modules"] and not clerk.get("hidden_fields", {}).get("orders")


async def test_what_is_wrong_with_a_role_is_told(web: httpx.AsyncClient) -> None:
    await done(web, "/design/roles", 422, label="")
    await done(web, "/design/roles", 404, label="Clerk", like="nobody")
    assert (await web.get("/design/roles/nobody")).status_code == 404
    await done(web, "/design/roles/viewer", 422, do="fields", module="nowhere")
    # A role that everybody has is written down when it is changed first.
    await done(web, "/design/roles/viewer", do="fields", module="orders", **{"field.value": "hidden"})
    assert "changed" in (await web.get("/design/roles")).text
    hostile = '<img src=x onerror="x">'
    await done(web, "/design/roles", label=hostile)
    assert hostile not in (await web.get("/design/roles")).text


async def test_a_layout_of_a_role_is_built_previewed_and_used(web: httpx.AsyncClient) -> None:
    root, do = "module/orders/layout", "/design/orders/do"
    await done(web, do, do="add_section", tab="fields", label="All")
    await done(web, do, do="add", tab="layouts", new="1", path=f"{root}/variants", **{"s.label.en": "Short", "s.roles": "admin"})
    short = f"{root}/variants/short"
    tab = {"tab": "layouts", "node": short}
    await done(web, do, do="add_section", label="Money", **tab)
    await done(web, do, do="move", path="module/orders/fields/value", section=f"{short}/sections/money", index="0", **tab)
    await done(web, do, do="move", path="module/orders/fields/remarks", section=f"{short}/hidden", index="0", **tab)
    await done(web, do, do="settings", path=short, **{"s.quick_create": "subject, supplier", "s.roles": "admin"}, **tab)
    page = (await web.get(f"/design/orders?tab=layouts&node={short}")).text
    assert "In no section" in page and f'data-section="{short}/hidden"' in page
    assert ">Remarks<" not in preview(page) and "Money" in preview(page)
    as_member = preview((await web.get(f"/design/orders?tab=layouts&node={short}&as=member")).text)
    assert ">Remarks<" in as_member and "Money" not in as_member
    # What has to be filled in cannot be hidden; a role that is not there is told.
    await done(web, do, do="move", path="module/orders/fields/subject", section=f"{short}/hidden", index="0", **tab)
    assert "could not be saved" in (await web.get("/design/orders?tab=layouts")).text
    await done(web, do, do="undo", **tab)
    await publish(web)
    definition = (await web.get("/api/v1/modules/orders")).json()
    variant = definition["layout"]["variants"][0]
    assert [one["name"] for one in variant["sections"]] == ["details", "money"] and variant["hidden"] == ["remarks"]
    form = (await web.get("/m/orders/new")).text
    assert "Money" in form and 'name="remarks"' not in form
    quick = (await web.get("/m/orders/quick", headers={"HX-Request": "true"})).text
    assert 'name="subject"' in quick and 'name="supplier"' in quick and 'name="pieces"' not in quick
    record = re.search(r'href="(/m/orders/[0-9a-f-]{36})"', (await web.get("/m/orders")).text)
    assert record is not None
    shown = (await web.get(record[1])).text
    assert 'data-value="remarks"' not in shown and ">Money<" in shown
    # A rename follows into the layout, and an archived field leaves it.
    await done(web, do, do="settings", tab="fields", path="module/orders/fields/value", **{"s.name": "worth"})
    await done(web, do, do="archive", tab="fields", path="module/orders/fields/remarks")
    await publish(web)
    variant = (await web.get("/api/v1/modules/orders")).json()["layout"]["variants"][0]
    assert variant["sections"][1]["fields"] == ["worth"] and variant.get("hidden", []) == []
    assert PASSWORD not in shown


async def test_a_condition_of_the_draft_is_put_together_from_rows(web: httpx.AsyncClient) -> None:
    do = "/design/orders/do"
    await done(web, do, do="add_field", tab="fields", type="integer", label="Depth")
    document = (await web.get("/design/orders/filters")).json()
    assert "depth" in [one["name"] for one in document["modules"]["orders"]["fields"]]
    rows = {"join": "and", "items": [{"field": "depth", "op": "gt", "value": {"number": "3"}}]}
    made = (await web.post("/design/orders/filters", json={"rows": rows})).json()
    assert made["text"] == "depth > 3" and "count" not in made
    back = (await web.post("/design/orders/filters", json={"text": "depth > 3 and rush"})).json()
    assert back["rows"]["items"][0]["field"] == "depth" and not back.get("problems")
    assert (await web.post("/design/orders/filters", json={"text": "rush == true"})).json()["count"] == 3
    assert (await web.post("/design/orders/filters", json={"text": "nothing > 3"})).json()["problems"]
    assert (await web.post("/design/orders/filters", json={"text": "depth >"})).json()["problems"]
    assert (await web.post("/design/nowhere/filters", json={"text": ""})).status_code == 404
    page = (await web.get("/design/orders?tab=fields&node=module/orders/fields/depth")).text
    assert 'name="s.visible_when" rows="1" spellcheck="false" data-expression data-condition' in page


async def test_json_is_checked_where_it_is_wrong_while_it_is_typed(web: httpx.AsyncClient) -> None:
    async def problems(text: str) -> list[dict[str, Any]]:
        answer = await web.post("/design/orders/check", content=text)
        assert answer.status_code == 200
        found: list[dict[str, Any]] = answer.json()["problems"]
        return found

    module = (await web.get("/api/v1/modules/orders")).json()
    assert await problems(json.dumps(module)) == []
    assert (await problems('{\n "name": "orders",,\n}'))[0]["line"] == 2
    assert (await problems("[]"))[0]["message"]
    at = next(n for n, one in enumerate(module["fields"]) if one["name"] == "value")
    gold = {**module, "fields": [*module["fields"][:at], {**module["fields"][at], "type": "gold"}, *module["fields"][at + 1 :]]}
    assert (await problems(json.dumps(gold)))[0]["path"].startswith(f"/fields/{at}")
    missing = {**module, "layout": {**module.get("layout", {}), "facts": ["nothing"]}}
    assert [one["path"] for one in await problems(json.dumps(missing))] == ["/layout/facts/0"]
    schema = (await web.get("/design/schemas/module")).json()
    assert "shortcut" in schema["properties"] and schema["$defs"]
    assert (await web.post("/design/nowhere/check", content="{}")).status_code == 404
