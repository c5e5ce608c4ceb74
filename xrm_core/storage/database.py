"""Connections: pools for reading and writing, the DDL and control connections, transactions and their repetition."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, TypeAlias, TypeVar

import orjson
import psycopg
from psycopg import AsyncConnection
from psycopg.abc import Buffer
from psycopg.adapt import Loader
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.types.json import set_json_dumps, set_json_loads
from psycopg_pool import AsyncConnectionPool

from xrm_core.kernel.errors import Unavailable, XrmError
from xrm_core.kernel.problem import Problem
from xrm_core.storage.errors import is_retryable, translate

T = TypeVar("T")
Connection: TypeAlias = AsyncConnection[tuple[Any, ...]]
Pool: TypeAlias = AsyncConnectionPool[Connection]

LEAST_VERSION = 150000
EXTENSIONS = ("pg_trgm", "unaccent")
_ATTEMPTS = 6
_PREPARED = 300  # per connection: each costs the server some ten kilobytes


class RawJson(Loader):
    """JSON as the bytes that PostgreSQL sent: pages pass them on without decoding."""

    def load(self, data: Buffer) -> bytes:
        return bytes(data)


def _dumps(value: object) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS)


@dataclass(frozen=True, slots=True)
class Dsns:
    """Where to connect: `data` for rows, `ddl` for schema changes, `control` for accounts; by default all the same."""

    data: str
    ddl: str
    control: str

    @classmethod
    def of(cls, data: str, ddl: str | None = None, control: str | None = None) -> Dsns:
        return cls(data, ddl or data, control or data)


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one process takes from the server; `prepare=False` is for poolers without prepared statements."""

    readers: int = 10
    writers: int = 10
    controllers: int = 4
    wait_seconds: float = 10.0
    statement_seconds: float = 30.0
    idle_transaction_seconds: float = 60.0
    prepare: bool = True


class Database:
    """The pools of one process. Connections have an empty search path and UTC; no state outlives a transaction."""

    def __init__(
        self,
        dsn: str | Dsns,
        limits: Limits | None = None,
        *,
        connection_class: type[Connection] = AsyncConnection,
    ) -> None:
        self.dsns = Dsns.of(dsn) if isinstance(dsn, str) else dsn
        self.limits = limits or Limits()
        self.trigram_schema = "xrm"
        self._connection_class = connection_class
        self._readers = self._pool(self.dsns.data, self.limits.readers, _configure_reader)
        self._writers = self._pool(self.dsns.data, self.limits.writers, _configure_writer)
        self._controllers = (
            self._writers
            if self.dsns.control == self.dsns.data
            else self._pool(self.dsns.control, self.limits.controllers, _configure_writer)
        )

    async def open(self) -> None:
        """Connect; `Unavailable` when a server cannot be reached, is too old or lacks an extension."""
        try:
            for dsn in dict.fromkeys((self.dsns.control, self.dsns.data, self.dsns.ddl)):
                async with await self._connect(dsn) as connection:
                    self.trigram_schema = await check_server(connection)
        except psycopg.OperationalError as error:
            hint = "Check XRM_DATABASE_URL and that the server runs."
            raise Unavailable(Problem("database", "", f"The database cannot be reached: {error}", hint)) from error
        for pool in self._pools():
            await pool.open(wait=False)

    async def close(self) -> None:
        """Give all connections back."""
        for pool in self._pools():
            await pool.close()

    async def __aenter__(self) -> Database:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def connection(self) -> AbstractAsyncContextManager[Connection]:
        """A connection for reading: autocommit, every statement prepared, JSON as raw bytes."""
        return _Borrowed(self._readers)

    def writing(self) -> AbstractAsyncContextManager[Connection]:
        """A connection for one-statement writes: autocommit, JSON decoded."""
        return _Borrowed(self._writers)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """A connection in a READ COMMITTED transaction: committed at the end, undone by an exception; JSON decoded."""
        async with _Borrowed(self._writers) as connection, connection.transaction():
            yield connection

    def control(self) -> AbstractAsyncContextManager[Connection]:
        """A connection to the control schema: autocommit, JSON decoded."""
        return _Borrowed(self._controllers)

    @asynccontextmanager
    async def control_transaction(self) -> AsyncIterator[Connection]:
        """One transaction in the control schema; never in the same transaction as a workspace."""
        async with _Borrowed(self._controllers) as connection, connection.transaction():
            yield connection

    def ddl_connection(self) -> AbstractAsyncContextManager[Connection]:
        """A fresh autocommit connection for schema changes and CREATE INDEX CONCURRENTLY, without a time limit."""
        return self.connect(self.dsns.ddl)

    @asynccontextmanager
    async def connect(self, dsn: str) -> AsyncIterator[Connection]:
        """A fresh autocommit connection to any of the servers, outside the pools and without a time limit."""
        with _translated():
            async with await self._connect(dsn, statement_seconds=0) as connection:
                await _configure_writer(connection)
                yield connection

    def gauges(self) -> dict[str, float]:
        """How the pools are doing now, for monitoring."""
        found: dict[str, float] = {}
        for name, pool in (("readers", self._readers), ("writers", self._writers), ("controllers", self._controllers)):
            stats = pool.get_stats()
            for key in ("pool_size", "pool_available", "requests_waiting"):
                found[f"xrm_database_{name}_{key}"] = float(stats.get(key, 0))
        return found

    async def run(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """`work` in a transaction, run again from its beginning when the server undid it because of others."""

        async def once() -> T:
            async with self.transaction() as connection:
                return await work(connection)

        return await repeat(once)

    def _pools(self) -> list[Pool]:
        return list(dict.fromkeys((self._readers, self._writers, self._controllers)))

    def conninfo(self, dsn: str, statement_seconds: float | None = None) -> str:
        """`dsn` with what every connection of the product sets when it connects."""
        seconds = self.limits.statement_seconds if statement_seconds is None else statement_seconds
        options = (
            "-c search_path= -c timezone=UTC -c datestyle=ISO -c intervalstyle=iso_8601 -c jit=off"
            f" -c statement_timeout={int(seconds * 1000)}"
            f" -c idle_in_transaction_session_timeout={int(self.limits.idle_transaction_seconds * 1000)}"
        )
        given = conninfo_to_dict(dsn)
        return make_conninfo(
            dsn,
            options=f"{given.get('options') or ''} {options}".strip(),
            client_encoding="UTF8",
            application_name=str(given.get("application_name") or "xrm"),
            connect_timeout=str(given.get("connect_timeout") or 10),
        )

    def _pool(self, dsn: str, most: int, configure: Callable[[Connection], Awaitable[None]]) -> Pool:
        return AsyncConnectionPool(
            self.conninfo(dsn),
            connection_class=self._connection_class,
            kwargs={"autocommit": True, "prepare_threshold": 0 if self.limits.prepare else None},
            min_size=1,
            max_size=most,
            open=False,
            configure=configure,
            timeout=self.limits.wait_seconds,
            max_waiting=most * 100,
            max_lifetime=1800.0,  # a backend keeps memory for every table it has seen
            max_idle=300.0,
            reconnect_timeout=30.0,
        )

    async def _connect(self, dsn: str, statement_seconds: float | None = None) -> Connection:
        conninfo = self.conninfo(dsn, statement_seconds)
        return await self._connection_class.connect(conninfo, autocommit=True, prepare_threshold=None)


class _Borrowed:
    """A connection out of a pool; driver errors leave the block as kernel errors."""

    __slots__ = ("_connection", "_pool")

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def __aenter__(self) -> Connection:
        with _translated():
            self._connection = await self._pool.getconn()
        return self._connection

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        lost = self._connection.closed
        await self._pool.putconn(self._connection)
        if error is not None:
            if lost:  # then the others most likely are too: drop them before anybody gets them
                await self._pool.check()
            _raise_known(error)


class _translated:
    """Driver errors leave as kernel errors; what the kernel has no word for leaves as it is."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if error is not None:
            _raise_known(error)


def _raise_known(error: BaseException) -> None:
    if isinstance(error, Exception) and not isinstance(error, XrmError):
        known = translate(error)
        if known is not None:
            raise known from error


async def repeat(once: Callable[[], Awaitable[T]], attempts: int = _ATTEMPTS) -> T:
    """The result of `once`, a whole transaction, which is run again after a deadlock or a serialization failure."""
    for attempt in range(1, attempts):
        try:
            return await once()
        except Exception as error:
            if not is_retryable(error):
                raise
        await asyncio.sleep(random.uniform(0.5, 1.5) * 0.01 * 2**attempt)
    return await once()


async def check_server(connection: Connection) -> str:
    """The schema of the trigram operators; `Unavailable` when the server is too old or lacks an extension."""
    if connection.info.server_version < LEAST_VERSION:
        raise Unavailable(
            Problem(
                "server_version",
                "",
                f"The database server is PostgreSQL {connection.info.server_version // 10000}; 15 or newer is needed.",
                "Upgrade the server, or leave XRM_DATABASE_URL unset to use the embedded one.",
            )
        )
    encoding = connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        raise Unavailable(
            Problem(
                "server_encoding",
                "",
                f"The database stores text as {encoding}.",
                "Create the database with encoding UTF8.",
            )
        )
    cursor = await connection.execute(
        "select a.name, n.nspname::text from pg_catalog.pg_available_extensions a"
        " left join pg_catalog.pg_extension e on e.extname = a.name"
        " left join pg_catalog.pg_namespace n on n.oid = e.extnamespace where a.name = any(%s::text[])",
        [list(EXTENSIONS)],
    )
    found: dict[str, str | None] = dict(await cursor.fetchall())
    missing = [name for name in EXTENSIONS if name not in found]
    if missing:
        raise Unavailable(
            Problem(
                "server_extensions",
                "",
                f"The database server lacks the extension {' and '.join(missing)}.",
                "Install PostgreSQL's contrib package (postgresql-contrib) on the server; managed services have it.",
            )
        )
    return found["pg_trgm"] or "xrm"


async def _configure_reader(connection: Connection) -> None:
    connection.prepared_max = _PREPARED
    connection.adapters.register_loader("jsonb", RawJson)
    connection.adapters.register_loader("json", RawJson)


async def _configure_writer(connection: Connection) -> None:
    connection.prepared_max = _PREPARED
    set_json_loads(orjson.loads, connection)
    set_json_dumps(_dumps, connection)
