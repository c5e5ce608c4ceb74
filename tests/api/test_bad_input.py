"""Every type of field meets every kind of wrong value over REST: refused with its place, or stored and read back unchanged."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

import orjson
import pytest

from tests.api.conftest import Api, ok, refused
from tests.contracts.field_variants import VARIANTS
from tests.contracts.garbage import garbage

COMPUTED = {"formula", "rollup", "lookup", "auto_number"}
TYPES = [name for name in VARIANTS if name not in COMPUTED]
LARGEST = 100_000


def sendable() -> list[Any]:
    """The garbage that JSON can carry, is not too large for a body of many, and not too deep for any."""
    found = []
    for value in garbage():
        try:
            text = orjson.dumps(value)
        except (TypeError, ValueError):
            continue
        if len(text) <= LARGEST and text.count(b"[") + text.count(b"{") < 10_000 and _depth(value) < 40:
            found.append(value)
    return found


def _depth(value: Any) -> int:
    if not isinstance(value, (dict, list)) or not value:
        return 0
    return 1 + max(_depth(one) for one in (value.values() if isinstance(value, dict) else value))


@pytest.fixture
async def everything(api: Api) -> str:
    """A module with a field of every type that can be written."""
    fields = [{"name": f"f_{name}", "type": name, "label": name, **VARIANTS[name][0][0]} for name in TYPES]
    module = {
        "name": "everything", "label": "Thing", "label_plural": "Everything", "icon": "box", "title": "{{ name }}",
        "fields": [{"name": "name", "type": "text", "label": "Name"}, *fields],
    }  # fmt: skip
    ok(await api.admin.post("/modules", json=module), 201)
    return "everything"


async def test_every_type_refuses_garbage_with_its_place_or_keeps_it_as_it_is(api: Api, everything: str) -> None:
    values = sendable()
    assert len(values) > 180
    stored = 0
    for name in TYPES:
        field = f"f_{name}"
        rows = [{"name": str(index), field: value} for index, value in enumerate(values)]
        answer = await api.admin.post(f"/records/{everything}/batch", content=orjson.dumps({"create": rows, "atomic": False}),
                                      headers={"Content-Type": "application/json"})  # fmt: skip
        outcomes = ok(answer)["results"]["create"]
        assert len(outcomes) == len(values)
        kept = []
        for value, outcome in zip(values, outcomes, strict=True):
            if outcome.get("id"):
                kept.append(outcome["id"])
            else:
                paths = [problem["path"] for problem in outcome["problems"]]
                assert paths and all(f"/{field}" in path for path in paths), (name, value, outcome)
        # What was let in is written back as it is read, and nothing changes.
        found: list[dict[str, Any]] = []
        cursor = None
        while True:
            body = {"filter": f"is_not_empty({field})", "limit": 1000, "cursor": cursor}
            page = (
                ok(await api.admin.post(f"/records/{everything}/query", json=body))
                if name != "json"
                else {"data": [], "next": None}
            )
            found += page["data"]
            cursor = page["next"]
            if cursor is None:
                break
        again = [{"id": one["id"], field: one[field]} for one in found if field in one]
        if again:
            answer = await api.admin.post(f"/records/{everything}/batch", json={"update": again, "atomic": True})
            results = ok(answer)["results"]["update"]
            assert {one["version"] for one in results} == {1}, name
        stored += len(kept)
        for identifier in kept:
            ok(await api.admin.get(f"/records/{everything}/{identifier}"))
        ok(
            await api.admin.post(f"/records/{everything}/batch", json={"archive": kept, "atomic": True})
        ) if kept else None
    assert stored > 200


@pytest.mark.parametrize(
    "text",
    [
        "NaN",
        "Infinity",
        "-Infinity",
        '"\\ud800"',
        '"\\udfff\\ud800"',
        '{"a": "\\ud800"}',
        "[" * 100 + "]" * 100,
        "01",
        "+1",
        "'x'",
        "1,",
        "\t\x01",
    ],
)
async def test_what_is_no_json_is_400_with_line_and_column(api: Api, text: str) -> None:
    body = b'{"name": ' + text.encode() + b"}"
    found = refused(
        await api.admin.post("/records/companies", content=body, headers={"Content-Type": "application/json"}), 400
    )
    assert found[0]["code"] in ("json", "too_deep")
    if found[0]["code"] == "json":
        assert found[0]["path"].startswith("/line/1/column/")


NAUGHTY = [
    "undefined", "null", "NULL", "(null)", "nil", "true", "hasOwnProperty", "__proto__", "constructor", "\\", "\\\\", "0x0", "1e1000", "-1", "1/0", ",./;'[]\\-=",
    "<>?:\"{}|_+", "!@#$%^&*()`~", "\u200b\u200e", "Ω≈ç√∫˜µ≤≥÷", "åß∂ƒ©˙∆˚¬…æ", "社會科學院語學研究所", "ﷺ", "😍", "👾 🙇 💁", "🏳️‍🌈", "ثم نفس سقطت", "\u202atest\u202a", "T\u0336e\u0336s\u0336t",
    "<script>alert(1)</script>", "'; drop table users; --", "1;DROP TABLE users", "$(touch /tmp/x)", "{% print('x') %}", "{{ 1 + 1 }}", "%d%s%n", "../../../../etc/passwd", "file:///etc/passwd",
    "\ufeff", "\u2028\u2029", "If you're reading this, you've been in a coma", "Roses are \x1b[0;31mred", "a\u0301" * 50,
]  # fmt: skip


async def test_naughty_texts_come_back_as_they_went_in_or_are_refused(api: Api) -> None:
    for text in NAUGHTY:
        answer = await api.admin.post("/records/companies", json={"name": text, "notes": text})
        if answer.status_code == 201:
            back = ok(await api.admin.get(f"/records/companies/{answer.json()['id']}"))
            for field in ("name", "notes"):
                assert _plain(back[field]) == _plain(text), text
        else:
            assert all(problem["path"] in ("/name", "/notes") for problem in refused(answer, 422)), text
    listed = ok(await api.admin.get("/records/companies", params={"limit": 1000, "sort": "name"}))
    assert len(listed["data"]) > 30 and json.dumps(listed)


def _plain(text: str) -> str:
    # Texts are stored in one Unicode form, without blanks around them.
    return unicodedata.normalize("NFC", text).strip("\ufeff \t\n")
