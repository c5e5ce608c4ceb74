"""`xrm demo` as a new user meets it: it starts, tells how to get in, remembers everything, and survives being killed."""

from __future__ import annotations

import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.flows.running import Demo

MODULE: dict[str, Any] = {
    "name": "notes", "label": "Note", "label_plural": "Notes", "icon": "sticky-note", "title": "{{ name }}",
    "fields": [
        {"name": "name", "type": "text", "label": "Name", "required": True, "indexed": True},
        {"name": "number", "type": "integer", "label": "Number", "indexed": True},
    ],
}  # fmt: skip


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory of our own that the server's account can reach, whatever other test runs do to theirs."""
    found = Path(tempfile.mkdtemp(prefix="xrm-flow-"))
    yield found
    shutil.rmtree(found, ignore_errors=True)


def test_it_starts_goes_on_where_it_was_and_stops_cleanly(place: Path) -> None:
    with Demo(place / "data", "--empty", environment={"XRM_CURRENCY": "GBP"}) as demo:
        first = demo.told
        assert first["email"] == "admin@example.com" and len(first["password"]) > 20
        assert oct((place / "data" / "admin.json").stat().st_mode & 0o777) == "0o600"
        assert demo.client.get("/me").json()["workspace"]["currency"] == "GBP"
        assert demo.client.post("/modules", json=MODULE).status_code == 201
        made = demo.client.post("/records/notes", json={"name": "First", "number": 1})
        assert made.status_code == 201
        page = httpx.get(first["address"] + "/login")
        assert page.status_code == 200 and "<form" in page.text
        assert demo.stop() == 0
    with Demo(place / "data", "--empty") as again:
        assert (again.told["email"], again.told["password"]) == (first["email"], first["password"])
        assert [one["name"] for one in again.client.get("/records/notes").json()["data"]] == ["First"]
        assert again.stop() == 0
    assert not (place / "data" / "postgres" / "postmaster.pid").exists()


def test_the_administrator_can_be_chosen_and_the_day_pretended(place: Path) -> None:
    chosen = {"XRM_ADMIN_EMAIL": "boss@example.com", "XRM_ADMIN_PASSWORD": "a long pass phrase"}
    with Demo(place / "data", "--empty", "--now", "2031-05-17", environment=chosen) as demo:
        assert demo.told["email"] == "boss@example.com" and demo.told["password"] == "a long pass phrase"
        demo.client.post("/modules", json=MODULE)
        made = demo.client.post("/records/notes", json={"name": "Later"}).json()
        assert made["created_at"].startswith("2031-05-17")


@pytest.mark.parametrize("victim", ["process", "server"])
def test_being_killed_during_writes_loses_no_acknowledged_write_and_leaves_no_half_one(
    place: Path, victim: str
) -> None:
    acknowledged: list[int] = []
    with Demo(place / "data", "--empty") as demo:
        assert demo.client.post("/modules", json=MODULE).status_code == 201
        token = demo.client.post("/tokens", json={"name": "writer"}).json()["token"]

        def write(first: int) -> None:
            with httpx.Client(base_url=demo.client.base_url, headers={"Authorization": f"Bearer {token}"}) as client:
                for number in range(first, first + 250):
                    try:
                        answer = client.post("/records/notes", json={"name": f"Note {number}", "number": number})
                    except httpx.HTTPError:
                        return
                    if answer.status_code != 201:
                        return
                    acknowledged.append(number)

        writers = [threading.Thread(target=write, args=(index * 250,)) for index in range(4)]
        for writer in writers:
            writer.start()
        while len(acknowledged) < 200 and any(writer.is_alive() for writer in writers):
            time.sleep(0.01)
        if victim == "process":
            demo.kill()
        else:
            demo.kill_server()
        for writer in writers:
            writer.join(60)
        if victim == "server":
            demo.kill()
    assert 200 <= len(acknowledged) < 1000
    with Demo(place / "data", "--empty") as again:
        numbers, cursor = [], None
        while True:
            params = {"limit": 1000, "sort": "number", **({"cursor": cursor} if cursor else {})}
            page = again.client.get("/records/notes", params=params).json()
            numbers += [one["number"] for one in page["data"]]
            assert all(one["name"] == f"Note {one['number']}" == one["title"] for one in page["data"])
            cursor = page["next"]
            if cursor is None:
                break
        assert set(acknowledged) <= set(numbers) and len(numbers) == len(set(numbers))
        last = again.client.get("/records/notes", params={"filter": f"number == {numbers[-1]}"}).json()["data"][0]
        history = again.client.get(f"/records/notes/{last['id']}/history").json()["data"]
        assert [event["kind"] for event in history] == ["created"]
