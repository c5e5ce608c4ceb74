"""One web server for the bench: the real application, or a bare one of the same framework with the same SQL and pool."""

from __future__ import annotations

import cProfile
import sys
from pathlib import Path
from typing import Any

import orjson
import uvloop
from litestar import Litestar, Request, Response, get, patch

from xrm_core import logs
from xrm_core.app import Application, Process, assemble, connected
from xrm_core.cli import serving
from xrm_core.kernel.ids import new_id
from xrm_core.settings import Settings
from xrm_core.storage.database import Database

JSON = "application/json"


def bare(database: Database, given: dict[str, Any]) -> Litestar:
    """Routes that do nothing but the SQL: no rights, no checks, no errors, no headers."""
    list_sql, list_params, get_sql = given["list"], given["list_params"], given["get"]
    update_sql, actor = given["update"], orjson.dumps(given["actor"]).decode()

    @get("/list")
    async def listed() -> Response[bytes]:
        async with database.connection() as connection:
            cursor = connection.cursor()
            await cursor.execute(list_sql, list_params)
            rows = await cursor.fetchall()
        return Response(b'{"data":[' + b",".join([row[0].encode() for row in rows]) + b"]}", media_type=JSON)

    @get("/get/{id:str}")
    async def single(request: Request[Any, Any, Any]) -> Response[bytes]:
        async with database.connection() as connection:
            cursor = connection.cursor()
            await cursor.execute(get_sql, [request.path_params["id"]])
            row = await cursor.fetchone()
        return Response(row[0].encode() if row else b"null", media_type=JSON)

    @patch("/get/{id:str}")
    async def change(request: Request[Any, Any, Any]) -> Response[bytes]:
        body = orjson.loads(await request.body())
        text = orjson.dumps(body).decode()
        async with database.writing() as connection:
            cursor = connection.cursor()
            await cursor.execute(update_sql, [text, request.path_params["id"], new_id(), actor, text])
            row = await cursor.fetchone()
        return Response(row[0].encode() if row else b"null", media_type=JSON)

    return Litestar([listed, single, change], openapi_config=None, logging_config=None, debug=False)


class _Bare(Application):
    """A bare application in the place of the real one, served in the same way."""

    def __init__(self, process: Process, application: Litestar) -> None:
        self.process, self.bare = process, application

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.bare(scope, receive, send)


async def _serve(kind: str, data_dir: str, given: dict[str, Any]) -> None:
    settings = Settings.load({}, Path("/nonexistent"), data_dir=data_dir, port=0)
    logs.set_up(settings)
    async with connected(settings) as database:
        process = assemble(settings, database)
        if kind == "bare":
            serving.Application = lambda _: _Bare(process, bare(database, given))  # type: ignore[assignment,misc]
        await serving.serve(process, lambda where: print(where, flush=True), work=False)


def main() -> None:
    kind, data_dir, file = sys.argv[1:4]
    given = orjson.loads(Path(file).read_bytes())
    if len(sys.argv) > 4:
        _profiled(kind, data_dir, given, Path(sys.argv[4]))
    else:
        uvloop.run(_serve(kind, data_dir, given))


def _profiled(kind: str, data_dir: str, given: dict[str, Any], target: Path) -> None:
    profile = cProfile.Profile()
    profile.enable()
    try:
        uvloop.run(_serve(kind, data_dir, given))
    finally:
        profile.disable()
        profile.dump_stats(target)


if __name__ == "__main__":
    main()
