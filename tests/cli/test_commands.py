"""The commands: what they print, for people and machines, and how they end."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from tests.cli.conftest import Run, read
from xrm_core.cli.main import xrm
from xrm_core.settings import OPTIONS, Settings


@pytest.fixture
def workspace(run: Run) -> Iterator[str]:
    """A workspace made by the command line."""
    read(run("workspace", "create", "acme", "--name", "Acme", "--time-zone", "Europe/Berlin", "--json"))
    yield "acme"
    for one in read(run("workspace", "list", "--json")):
        run("workspace", "drop", one["slug"], "--yes")


def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


@pytest.mark.parametrize("path", [path for path, _ in commands(xrm)], ids=" ".join)
def test_every_command_has_help_with_an_example_and_json(run: Run, path: tuple[str, ...]) -> None:
    text = run(*path, "--help").output
    assert "Example:" in text and f"xrm {' '.join(path)}" in text and "--json" in text
    assert "Usage:" in text and len(text.splitlines()) > 5


def test_wrong_usage_ends_with_2_and_refusals_with_1_in_one_line(run: Run) -> None:
    run("nothing", status=2)
    run("user", "create", status=2)
    run("serve", "--port", "x", status=2)
    result = run("user", "list", status=1)
    assert (
        result.stderr.count("\n") == 1 and "xrm workspace create" in result.stderr and "Traceback" not in result.stderr
    )
    result = run("workspace", "create", "Bad Slug!", "--json", status=1)
    assert json.loads(result.stderr)["problems"][0]["path"] == "/slug"


def test_a_database_that_cannot_be_reached_is_one_line(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XRM_DATABASE_URL", "postgresql://127.0.0.1:1/nothing?connect_timeout=2")
    result = run("workspace", "list", status=1)
    assert "XRM_DATABASE_URL" in result.stderr and result.stderr.count("\n") == 1


def test_workspaces_users_and_tokens(run: Run, workspace: str) -> None:
    assert "Acme" in run("workspace", "list").stdout
    run("workspace", "create", workspace, status=1)
    made = read(run("user", "create", "--email", "ada@example.com", "--role", "admin", "--json"))
    assert made["password"] and made["roles"] == ["admin"]
    typed = run("user", "create", "--email", "bob@example.com", "--password-stdin", input="a long pass phrase\n")
    assert "Password" not in typed.stdout
    run("user", "create", "--email", "eve@example.com", "--role", "boss", status=1)
    assert [one["email"] for one in read(run("user", "list", "--json"))] == ["ada@example.com", "bob@example.com"]
    token = run("token", "create", "--user", "ada@example.com", "--name", "export").stdout
    assert token.startswith("xrm_") and token.count("\n") == 1
    assert "Password: " in run("user", "password", "--email", "ada@example.com").stdout
    run("token", "create", "--user", "nobody@example.com", "--name", "x", status=1)
    run("workspace", "drop", workspace, status=1)


def test_packs_are_made_checked_planned_installed_filled_and_emptied(run: Run, workspace: str, tmp_path: Path) -> None:
    files = read(run("pack", "new", "library", "--json"))["files"]
    assert any(name.endswith("pack.json") for name in files)
    assert "is sound" in run("pack", "check", "library").stdout
    plan = read(run("pack", "plan", "library", "--json"))
    assert plan["ok"] and plan["changes"]
    assert "Nothing was changed" in run("pack", "plan", "library").stdout
    installed = read(run("pack", "install", "library", "--sample", "--json"))
    assert installed["records"] == 4
    run("pack", "install", "library", status=1)
    assert read(run("doctor", "--json"))["faults"] == []
    assert read(run("pack", "sample", "library", "--remove", "--json")) == {"removed": 4}
    broken = tmp_path / "library" / "modules" / "items.json"
    broken.write_text(broken.read_text().replace('"type": "text"', '"type": "txet"', 1))
    result = run("pack", "check", "library", status=1)
    assert "modules/items.json" in result.stderr and "text" in result.stderr
    assert "recruiting" in run("pack", "list").stdout


def test_a_workspace_goes_into_a_file_and_comes_back(run: Run, workspace: str, tmp_path: Path) -> None:
    run("pack", "new", "library")
    run("pack", "install", "library", "--sample")
    run("user", "create", "--email", "ada@example.com", "--role", "admin")
    run("workspace", "dump", workspace, "acme.xrm")
    run("workspace", "restore", "acme.xrm", status=1)
    back = read(run("workspace", "restore", "acme.xrm", "--slug", "again", "--json"))
    assert back["slug"] == "again" and back["strangers"] == []
    assert [one["email"] for one in read(run("user", "list", "--workspace", "again", "--json"))]
    assert read(run("doctor", "--json"))["faults"] == []
    assert read(run("pack", "sample", "library", "--remove", "--workspace", "again", "--json")) == {"removed": 4}
    (tmp_path / "bad.xrm").write_text("no dump")
    run("workspace", "restore", "bad.xrm", "--slug", "bad", status=1)
    run("workspace", "restore", "missing.xrm", "--slug", "bad", status=1)
    assert len(read(run("workspace", "list", "--json"))) == 2


def test_the_schema_is_up_to_date_and_generated_files_are_checked(run: Run, tmp_path: Path) -> None:
    assert read(run("db", "upgrade", "--plan", "--json"))["steps"] == []
    run("schemas", "check", status=1)
    assert len(read(run("schemas", "write", "--json"))["written"]) >= 4
    run("schemas", "check")


def test_a_taken_port_is_said_before_anything_is_done(run: Run, workspace: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for command in ("demo", "serve"):
            result = run(command, "--port", port, status=1)
            assert "in use" in result.stderr and "--port" in result.stderr


def test_settings_have_sources_and_secrets_are_masked(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text(
        "# comment\nexport XRM_CURRENCY='GBP'\nXRM_SMTP_URL=smtp://me:hidden@mail.example:587 # mail\n"
    )
    monkeypatch.setenv("XRM_SECRET_KEY", "very secret")
    shown = read(run("settings", "--json"))
    assert shown["XRM_CURRENCY"] == {"value": "GBP", "source": ".env", "help": shown["XRM_CURRENCY"]["help"]}
    assert shown["XRM_SECRET_KEY"]["value"] == "********" and shown["XRM_SECRET_KEY"]["source"] == "environment"
    assert "hidden" not in shown["XRM_SMTP_URL"]["value"] and "mail.example:587" in shown["XRM_SMTP_URL"]["value"]
    assert shown["XRM_HOST"]["source"] == "default"
    assert set(shown) == {option.variable for option in OPTIONS}
    monkeypatch.setenv("XRM_PROT", "1")
    assert "XRM_PROT" in run("settings", status=1).stderr
    monkeypatch.delenv("XRM_PROT")
    monkeypatch.setenv("XRM_PORT", "many")
    monkeypatch.setenv("XRM_TIME_ZONE", "Mars")
    result = run("workspace", "list", status=1)
    assert "XRM_PORT" in result.stderr and "XRM_TIME_ZONE" in result.stderr


def test_command_line_wins_over_environment_over_file(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("XRM_PORT=1000\nXRM_CURRENCY=USD\nnonsense\n")
    found = Settings.load({"XRM_PORT": "2000"}, file, port=3000)
    assert found.port == 3000 and found.currency == "USD"
    assert Settings.load({"XRM_PORT": "2000"}, file).port == 2000 and Settings.load({}, file).port == 1000
    assert Settings.load({}, tmp_path / "none").port == 8000
