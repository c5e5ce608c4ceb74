"""Files over REST: uploaded, attached, handed out safely, refused when they are none."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import Api, ok, refused
from xrm_core.api.files import safe_name


async def test_a_file_is_uploaded_attached_and_downloaded(api: Api, make: Any) -> None:
    content = b"<script>alert(1)</script>" * 100
    answer = await api.member.post("/files", files={"file": ("../../Größe <b>.html", content, "text/html")})
    stored = ok(answer, 201)
    assert stored["size"] == len(content) and "/" not in stored["name"] and "<" not in stored["name"]
    place = answer.headers["location"].removeprefix("/api/v1")
    refused(await api.viewer.get(place), 404)
    ticket = await make("tickets", subject="With paper")
    ok(await api.member.patch(f"/records/tickets/{ticket['id']}", json={"paper": [stored]}))
    download = await api.viewer.get(place)
    assert download.status_code == 200 and download.content == content
    assert download.headers["content-disposition"].startswith("attachment;")
    assert "sandbox" in download.headers["content-security-policy"]
    assert download.headers["x-content-type-options"] == "nosniff"


async def test_what_is_no_upload_is_refused(api: Api) -> None:
    refused(await api.member.post("/files", json={}), 415)
    refused(await api.member.post("/files", files={"other": ("a.txt", b"x")}), 422)
    refused(await api.member.post("/files", data={"file": "text"}, files={"x": ("a", b"")}), 422)
    for content in (b"nonsense", b"--x\r\n", b'--x\r\nContent-Disposition: form-data; name="file"\r\n'):
        response = await api.member.post(
            "/files", content=content, headers={"Content-Type": "multipart/form-data; boundary=x"}
        )
        assert response.status_code in (400, 422), response.text
    refused(await api.member.post("/files", content=b"x", headers={"Content-Type": "multipart/form-data"}), 400)
    refused(await api.member.post("/files", files={"file": ("a.bin", b"x" * 1_050_000)}), 413)
    refused(await api.member.post("/files", files={"file": ("a.bin", b"x" * 3_000_000)}), 413)
    refused(await api.nobody.post("/files", files={"file": ("a.txt", b"x")}), 401)


@pytest.mark.parametrize(
    ("given", "safe"),
    [("a.txt", "a.txt"), ("C:\\x\\b.pdf", "b.pdf"), ("/etc/passwd", "passwd"), ("..", "file"), ("", "file"), ("a\x00b\n.txt", "a_b_.txt"),
     ('x"y.txt', "x_y.txt"), ("\ud800.txt", "txt")],
)  # fmt: skip
def test_names_are_made_safe(given: str, safe: str) -> None:
    assert safe_name(given) == safe
    assert len(safe_name("n" * 500 + ".pdf")) <= 200 and safe_name("n" * 500 + ".pdf").endswith(".pdf")


async def test_only_who_uploaded_a_file_may_attach_it(api: Api, make: Any) -> None:
    stored = ok(await api.member.post("/files", files={"file": ("draft.txt", b"mine", "text/plain")}), 201)
    ticket = await make("tickets", subject="Taken")
    path = f"/records/tickets/{ticket['id']}"
    refused(await api.admin.patch(path, json={"paper": [stored]}), 422)
    refused(await api.admin.post("/records/tickets", json={"subject": "New", "paper": [stored]}), 422)
    ok(await api.member.patch(path, json={"paper": [stored]}))
    ok(await api.admin.patch(path, json={"subject": "Renamed", "paper": [stored]}))


async def test_a_file_in_a_hidden_field_is_not_handed_out(api: Api, make: Any) -> None:
    stored = ok(await api.admin.post("/files", files={"file": ("secret.txt", b"hidden", "text/plain")}), 201)
    ticket = await make("tickets", subject="With a hidden paper")
    ok(await api.admin.patch(f"/records/tickets/{ticket['id']}", json={"paper": [stored]}))
    role = {"name": "viewer", "label": "Viewer", "modules": {"*": {"see": "all"}}, "hidden_fields": {"tickets": ["paper"]}}
    ok(await api.admin.post("/roles", json=role), 201)
    refused(await api.viewer.get(f"/files/{stored['id']}"), 404)
    ok(await api.admin.patch(f"/records/tickets/{ticket['id']}", json={"paper": None}))
    refused(await api.member.get(f"/files/{stored['id']}"), 404)
