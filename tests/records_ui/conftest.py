"""The shop of the tests of records, with two people who work in it at the same time."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from tests.records.conftest import Shop, install
from tests.records.shop import SHOP
from xrm_core.kernel.actor import Actor
from xrm_core.kernel.clock import FixedClock
from xrm_core.kernel.ids import new_id
from xrm_core.storage import members
from xrm_core.storage.database import Database
from xrm_core.storage.workspaces import Workspace


@pytest.fixture
async def shop(database: Database, workspace: Workspace, clock: FixedClock) -> Shop:
    return Shop(await install(database, workspace, clock, SHOP), workspace, clock)


async def person(database: Database, shop: Shop, name: str, *roles: str) -> Actor:
    """Somebody who works in the shop."""
    identifier = new_id()
    async with database.writing() as connection:
        await members.put_member(
            connection, shop.workspace.schema, identifier, name=name, email=f"{name.lower()}@shop.example",
            roles=roles or ("member",), teams=(), now=shop.clock.now(),
        )  # fmt: skip
    return Actor(identifier, name, tuple(roles) or ("member",))


@pytest.fixture
async def ava(database: Database, shop: Shop) -> Actor:
    return await person(database, shop, "Ava")


@pytest.fixture
async def ben(database: Database, shop: Shop) -> Actor:
    return await person(database, shop, "Ben")


async def everything(shop: Shop, *, live: bool = True) -> dict[str, dict[UUID, dict[str, Any]]]:
    """All live records as they can be read, with their many-to-many links, without what every write moves."""
    found: dict[str, dict[UUID, dict[str, Any]]] = {}
    for module in SHOP.modules:
        rows = await shop.find(module.name, limit=1000)
        kept = {}
        for row in rows:
            row = await shop.get(module.name, UUID(row["id"]))
            kept[UUID(row["id"])] = {k: v for k, v in row.items() if k not in ("version", "updated_at", "updated_by")}
        found[module.name] = kept
    async with shop.units.database.writing() as connection:
        cursor = await connection.execute(
            f"select x.link_id, x.source_id, x.target_id, x.attributes::text from {shop.workspace.schema}.link x"
        )
        alive = {identifier for records in found.values() for identifier in records}
        found["links"] = {}
        for link, source, target, attributes in await cursor.fetchall():
            if source in alive and target in alive:
                found["links"].setdefault(source, {})[f"{link} {target}"] = attributes
        cursor = await connection.execute(
            f"select s.record_id, s.title, s.tsv::text from {shop.workspace.schema}.search s"
        )
        found["search"] = {one: {"title": title, "words": words} for one, title, words in await cursor.fetchall()}
    return found
