"""Real processes for the flows: `xrm demo` on an embedded server of its own, started, asked, stopped and killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx


class Demo:
    """`xrm demo` as a process; `with Demo(directory) as demo: demo.client.get("/me")`."""

    def __init__(self, data_dir: Path, *options: str, environment: dict[str, str] | None = None) -> None:
        self.data_dir = data_dir
        started = time.monotonic()
        keep = {name: value for name, value in os.environ.items() if not name.startswith("XRM_")}
        self.errors = (data_dir.parent / f"{data_dir.name}.stderr").open("w+")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "xrm_core", "demo", "--json", "--port", "0", "--data-dir", str(data_dir), *options],
            stdout=subprocess.PIPE, stderr=self.errors, text=True, env={**keep, **(environment or {})},
            cwd=Path(__file__).parents[2], start_new_session=True,
        )  # fmt: skip
        text = ""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            text += line
            if line.startswith("}"):
                break
        self.seconds = time.monotonic() - started
        self.errors.seek(0)
        assert text, f"the demo ended with {self.process.wait(10)}: {self.errors.read()}"
        self.told: dict[str, Any] = json.loads(text)
        self.client = httpx.Client(base_url=self.told["address"] + "/api/v1", timeout=30)
        answer = self.client.post("/session", json={"email": self.told["email"], "password": self.told["password"]})
        assert answer.status_code == 200, answer.text
        self.client.headers["X-CSRF-Token"] = answer.json()["csrf"]

    def stop(self) -> int:
        """Ctrl-C; the exit code."""
        self.client.close()
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(60)

    def kill(self) -> None:
        """An end without any warning."""
        self.client.close()
        self.process.kill()
        self.process.wait(60)

    def kill_server(self) -> None:
        """The database server ends without any warning."""
        pid = int((self.data_dir / "postgres" / "postmaster.pid").read_text().split("\n", 1)[0])
        os.kill(pid, signal.SIGKILL)

    def __enter__(self) -> Demo:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.stop()
        self.errors.close()
