"""A running workspace with sample data, as `make run` gives it, in a temporary place."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

PATIENCE = 300


@dataclass(frozen=True, slots=True)
class Running:
    """Where it answers, and where its data is."""

    address: str
    email: str
    password: str
    data_dir: Path


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """`xrm demo` on a free port."""
    place = tmp_path_factory.mktemp("demo")
    said, complained = place / "said", place / "complained"
    environment = {key: value for key, value in os.environ.items() if not key.startswith("XRM_")}
    command = [sys.executable, "-m", "xrm_core", "demo", "--port", "0", "--data-dir", str(place / "data"), "--json"]
    with said.open("w") as out, complained.open("w") as err:
        process = subprocess.Popen(command, stdout=out, stderr=err, env=environment)
    try:
        yield _answer(process, said, complained, place / "data")
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _answer(process: subprocess.Popen[bytes], said: Path, complained: Path, data_dir: Path) -> Running:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and process.poll() is None:
        try:
            found = json.loads(said.read_text())
            return Running(found["address"], found["email"], found["password"], data_dir)
        except ValueError:
            time.sleep(0.2)
    raise AssertionError(f"`xrm demo` did not start: {complained.read_text()[-3000:]}")
