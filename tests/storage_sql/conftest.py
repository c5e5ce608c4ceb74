"""A database with the world of the expression tests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from tests.storage_sql.world import World, create_tables, make_world


@pytest.fixture(scope="module")
def world() -> World:
    return make_world(7, {"customers": 12, "jobs": 40, "tasks": 60})


@pytest.fixture(scope="module")
def connection(database_dsn: str, world: World) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(database_dsn, autocommit=True) as found:
        create_tables(found, world)
        yield found
        found.execute("drop schema expression_world cascade")
