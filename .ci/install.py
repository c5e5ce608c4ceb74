"""Makes .venv with exactly the locked packages, then installs the product into it; standard library only.

python3 .ci/install.py run      what running needs
python3 .ci/install.py test     that, and what the tests need
python3 .ci/install.py lock     write the lock files anew (needs uv)
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
LOCKS = {"run": ROOT / "requirements.lock", "test": ROOT / "requirements-test.lock", "build": ROOT / "requirements-build.lock"}
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
LEAST = (3, 11)


def main(arguments: list[str]) -> int:
    """Do what was asked, and say in one line why it cannot be done."""
    if arguments not in (["run"], ["test"], ["lock"]):
        print(__doc__, file=sys.stderr)
        return 2
    if sys.version_info < LEAST:
        return fail(
            f"Python {'.'.join(map(str, LEAST))} or newer is needed, this is {sys.version.split()[0]}. Try: make PYTHON=python3.12"
        )
    try:
        if arguments == ["lock"]:
            return lock()
        install(arguments[0])
    except subprocess.CalledProcessError as error:
        return fail(f"{' '.join(map(str, error.cmd[:4]))} ... ended with {error.returncode}; see above.")
    return 0


def install(kind: str) -> None:
    """Install the locked packages of one kind, unless that was done already."""
    wanted = fingerprint(kind)
    stamp = VENV / f".installed-{kind}"
    fuller = VENV / ".installed-test"
    if any(
        mark.is_file() and mark.read_text() == wish for mark, wish in ((stamp, wanted), (fuller, fingerprint("test")))
    ):
        return
    uv = shutil.which("uv")
    if not works(PYTHON):
        make_environment(uv)
    print(f"Installing packages into {VENV.name} ...", flush=True)
    package_install(uv, "--require-hashes", "-r", str(LOCKS[kind]), "-r", str(LOCKS["build"]))
    print("Installing the product and building its pages ...", flush=True)
    package_install(uv, "--no-deps", "--no-build-isolation", "-e", str(ROOT))
    if kind == "test":
        browser()
    stamp.write_text(wanted)


def make_environment(uv: str | None) -> None:
    """An empty virtual environment."""
    shutil.rmtree(VENV, ignore_errors=True)
    done = subprocess.run([sys.executable, "-m", "venv", str(VENV)], capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return
    if uv is None:
        print(done.stdout + done.stderr, file=sys.stderr)
        print("On Debian and Ubuntu: apt-get install python3-venv", file=sys.stderr)
        raise subprocess.CalledProcessError(done.returncode, ["python3", "-m", "venv"])
    subprocess.run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(VENV)], check=True)


def package_install(uv: str | None, *arguments: str) -> None:
    """Install with uv where there is one, else with pip."""
    if uv is not None:
        command = [uv, "pip", "install", "--quiet", "--python", str(PYTHON), *arguments]
    else:
        command = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        # The lock is complete, so there is nothing to resolve; what is imported gets compiled then.
        command += ["--no-deps", "--no-compile", *(one for one in arguments if one != "--no-deps")]
    subprocess.run(command, check=True, cwd=ROOT)


def browser() -> None:
    """A Chromium for the browser tests: the system's, or the one that Playwright brings."""
    if any(shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome")):
        return
    done = subprocess.run([str(PYTHON), "-m", "playwright", "install", "chromium"], check=False)
    if done.returncode:
        print("No Chromium for the browser tests. On Debian: apt-get install chromium", file=sys.stderr)


def fingerprint(kind: str) -> str:
    """Changes when something has to be installed again."""
    digest = hashlib.sha256(f"{ROOT} {sys.version_info[:2]}".encode())
    for path in (LOCKS[kind], LOCKS["build"], ROOT / "pyproject.toml"):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def works(python: Path) -> bool:
    """Whether there is an environment whose Python runs and is new enough."""
    if not python.exists():
        return False
    check = f"import sys; sys.exit(sys.version_info < {LEAST})"
    return subprocess.run([str(python), "-c", check], capture_output=True, check=False).returncode == 0


def lock() -> int:
    """Write requirements*.lock from pyproject.toml: all platforms, with hashes, without addresses of indexes."""
    uv = shutil.which("uv")
    if uv is None:
        return fail("uv is needed to write the lock files.")
    options = ["--quiet", "--generate-hashes", "--universal", "--python-version", "3.11", "--no-header"]
    options += ["--no-emit-index-url", "--no-emit-find-links", "--upgrade"]
    for source, more in (("pyproject.toml", ["-o", "requirements.lock"]),
                         ("pyproject.toml", ["--extra", "test", "-c", "requirements.lock", "-o", "requirements-test.lock"]),
                         ("requirements-build.in", ["-c", "requirements-test.lock", "-o", "requirements-build.lock"])):  # fmt: skip
        subprocess.run([uv, "pip", "compile", *options, source, *more], check=True, cwd=ROOT)
    return 0


def fail(text: str) -> int:
    print(f"xrm: {text}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
