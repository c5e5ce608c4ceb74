"""The two commands of a fresh clone: what they install is locked by hash, and what they run exists."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
LOCKS = ("requirements.lock", "requirements-test.lock", "requirements-build.lock")
_NAME = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^]]*\])?==(\S+)", re.MULTILINE)


@pytest.fixture(scope="module")
def installer() -> ModuleType:
    spec = importlib.util.spec_from_file_location("installer", ROOT / ".ci" / "install.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", re.split(r"[\[<>=~!; ]", name, maxsplit=1)[0]).lower()


@pytest.mark.parametrize("lock", LOCKS)
def test_locks_have_a_hash_for_everything_and_no_address_of_an_index(lock: str) -> None:
    text = (ROOT / lock).read_text()
    assert not re.search(r"://|--(extra-)?index|--find-links|@ file", text)
    entries = re.split(r"\n(?=[A-Za-z0-9])", text.strip())
    for entry in entries:
        assert _NAME.match(entry) and "--hash=sha256:" in entry, entry.splitlines()[0]


def test_the_locks_hold_what_the_project_asks_for_in_one_version_each() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    found = {lock: dict(_NAME.findall((ROOT / lock).read_text())) for lock in LOCKS}
    names = {lock: {plain(name): version for name, version in pins.items()} for lock, pins in found.items()}
    for wanted in project["project"]["dependencies"]:
        assert plain(wanted) in names["requirements.lock"], wanted
    for wanted in project["project"]["optional-dependencies"]["test"]:
        assert plain(wanted) in names["requirements-test.lock"], wanted
    for wanted in project["build-system"]["requires"]:
        assert plain(wanted) in names["requirements-build.lock"], wanted
    test = names["requirements-test.lock"]
    for lock in ("requirements.lock", "requirements-build.lock"):
        assert {name: version for name, version in names[lock].items() if test.get(name, version) != version} == {}


def test_the_installer_says_how_it_is_used_and_knows_when_nothing_is_to_do(installer: ModuleType) -> None:
    assert installer.main([]) == 2 and installer.main(["nonsense"]) == 2
    assert installer.fingerprint("run") != installer.fingerprint("test")
    assert installer.works(Path(sys.executable)) and not installer.works(ROOT / "nothing")


def test_make_knows_its_targets() -> None:
    for target, wanted in (("run", "xrm demo"), ("test", "pytest"), ("lint", "ruff"), ("bench", "bench")):
        said = subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, text=True, check=True).stdout
        assert wanted in said and "install.py" in said
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o111
