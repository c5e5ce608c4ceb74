"""The asset build: complete, within budget, and quick when nothing changed."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from tests.web.texts import WEB
from xrm_core.web import build
from xrm_core.web.assets import Assets, read

KB = 1024


@pytest.fixture(scope="module")
def assets() -> Assets:
    build.build()
    return read(build.DIST)


def test_manifest_is_complete(assets: Assets) -> None:
    for name in ("app.js", "style.css", "icons.svg", "favicon.svg", "inter.woff2"):
        assert assets.files[name] in assets.served, name
    for name in assets.preload:
        assert name in assets.served
    assert {"building-2", "users", "box"} <= assets.icons


def test_sizes_are_within_budget(assets: Assets) -> None:
    scripts = [assets.files["app.js"], *assets.preload]
    assert sum(len(assets.served[name].encoded["gzip"]) for name in scripts) <= 35 * KB
    lazy = [name for name in assets.served if name.endswith(".js") and name not in scripts]
    editor = assets.files["json_editor.js"]
    assert lazy and all(len(assets.served[name].encoded["gzip"]) <= 15 * KB for name in lazy if name != editor)
    # The editor of JSON comes with the tab of the designer that shows it, and nowhere else.
    assert editor not in assets.preload and len(assets.served[editor].encoded["gzip"]) <= 130 * KB
    assert len(assets.served[assets.files["style.css"]].encoded["gzip"]) <= 14 * KB
    assert len(assets.served[assets.files["icons.svg"]].encoded["gzip"]) <= 14 * KB


def test_licences_of_everything_that_is_bundled_are_there(assets: Assets) -> None:
    text = assets.served["LICENSES.txt"].body.decode()
    for package in ("htmx.org", "lucide-static", "@fontsource-variable/inter"):
        assert f"\n{package} " in "\n" + text


def test_no_source_maps_and_no_map_files(assets: Assets) -> None:
    assert not list(build.DIST.glob("*.map"))
    assert all(b"sourceMappingURL" not in asset.body for asset in assets.served.values())


def test_compressed_bodies_are_chosen_by_what_the_client_accepts(assets: Assets) -> None:
    script = assets.served[assets.files["app.js"]]
    body, headers = script.pick("gzip, deflate, br")
    assert headers["Content-Encoding"] == "br" and len(body) < len(script.body)
    assert headers["Cache-Control"] == "public, max-age=31536000, immutable" and headers["Vary"] == "Accept-Encoding"
    body, headers = script.pick("")
    assert body == script.body and "Content-Encoding" not in headers


def test_nothing_is_done_when_nothing_changed(assets: Assets) -> None:
    started = time.process_time()
    assert build.build() == "assets: up to date"
    assert time.process_time() - started < 0.3


def test_the_stamp_follows_contents_not_times(tmp_path: Path) -> None:
    copy = tmp_path / "web"
    copy.mkdir()
    for name in build.SOURCES:
        shutil.copy(WEB / name, copy / name)
    shutil.copytree(WEB / "src", copy / "src")
    assert build.stamp(copy) == build.stamp(WEB)
    with (copy / "src" / "app.ts").open("a") as file:
        file.write("// changed\n")
    assert build.stamp(copy) != build.stamp(WEB)


def test_assets_can_be_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "src").mkdir()
    monkeypatch.setenv("XRM_SKIP_ASSETS", "1")
    assert "skipped" in build.build(tmp_path)


def test_without_assets_pages_still_have_their_html(tmp_path: Path) -> None:
    found = read(tmp_path)
    assert found.url("app.js") == "" and found.served == {}


def test_the_lock_file_names_no_registry() -> None:
    lock = json.loads((WEB / "package-lock.json").read_text("utf-8"))
    assert not [name for name, package in lock["packages"].items() if "resolved" in package]
    wanted = json.loads((WEB / "package.json").read_text("utf-8"))
    assert all(version[0].isdigit() for version in {**wanted["dependencies"], **wanted["devDependencies"]}.values())


def test_the_scripts_type_check(tmp_path: Path) -> None:
    node, npm = build.find_node()
    modules = build.install(WEB, node, npm, development=True)
    config = tmp_path / "tsconfig.json"
    settings = {"compilerOptions": {"paths": {"*": [f"{modules}/*"]}}, "include": [str(WEB / "src")]}
    config.write_text(json.dumps({"extends": str(WEB / "tsconfig.json"), **settings}))
    done = subprocess.run(
        [node, modules / "typescript/bin/tsc", "-p", config], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
