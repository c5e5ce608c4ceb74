"""The recruiting pack in a database: published on an empty workspace, every table and index there."""

from __future__ import annotations

from tests.conftest import NOW
from tests.packs.reading import definitions
from xrm_core.catalog.catalog import Catalog
from xrm_core.catalog.catalogs import Catalogs
from xrm_core.definitions.module import Module
from xrm_core.expressions.evaluate import Now
from xrm_core.fields.formula import Formula
from xrm_core.fields.rollup import Rollup
from xrm_core.kernel.actor import SYSTEM
from xrm_core.publishing import plan, publish
from xrm_core.publishing.plan import current
from xrm_core.publishing.tables import expected_indexes
from xrm_core.storage import definitions as store
from xrm_core.storage.database import Database
from xrm_core.storage.sql.expressions import compile_condition, compile_order
from xrm_core.storage.sql.queries import source_of
from xrm_core.storage.sql.tables import TableContext
from xrm_core.storage.sql.values import Sql, joined, sql
from xrm_core.storage.workspaces import Workspace

MOMENT = Now(NOW, NOW.date(), "Europe/Berlin", "0192d3a0-0000-7000-8000-000000000001")


async def test_the_pack_is_published_and_all_of_it_runs(database: Database, workspace: Workspace) -> None:
    wanted = definitions()
    async with database.connection() as connection:
        planned = await plan(connection, workspace.schema, wanted)
    assert planned.ok and planned.effect == "safe", planned
    published = await publish(database, workspace.schema, planned, SYSTEM, NOW)
    assert published.changed
    async with database.connection() as connection:
        number, live = await current(connection, workspace.schema)
        assert number == 1 and live.hash == wanted.hash
        assert len(await store.module_tables(connection, workspace.schema)) == len(wanted.modules)
        assert set(await store.index_names(connection, workspace.schema)) == expected_indexes(wanted)
    await _run_all(database, workspace)


async def _run_all(database: Database, workspace: Workspace) -> None:
    """Every view, formula and roll-up as a statement on the tables."""
    catalog = await Catalogs(database).get(workspace)
    statements: list[Sql] = []
    for module in catalog.definitions.modules:
        for view in module.views:
            statements.append(
                _statement(catalog, module, view.filter or "true", [key.lstrip("-") for key in view.sort])
            )
        for field in module.fields:
            calculation, _ = catalog.scopes.calculation(module, field)
            if calculation is None:
                continue
            if calculation.function == "formula":
                assert isinstance(field, Formula)
                statements.append(_statement(catalog, module, "true", [field.formula]))
            elif isinstance(field, Rollup):
                target = calculation.path[-1].type.modules[0]
                wanted = [field.field] if field.field is not None else []
                end = next(one for one in catalog.definitions.modules if one.id == target)
                statements.append(_statement(catalog, end, field.where or "true", wanted))
    assert len(statements) > 200
    # The catalog compiles the roll-ups and formulas for its own use, in an order without circles.
    assert catalog.graph is not None
    async with database.connection() as connection:
        for statement in statements:
            await connection.execute(statement.text, statement.bound(MOMENT))


def _statement(catalog: Catalog, module: Module, condition: str, ordered: list[str]) -> Sql:
    compiled = catalog.modules[module.id]
    context = TableContext(catalog.modules, compiled)
    typed, problems = catalog.scopes.condition(module, condition)
    assert typed is not None, problems
    where = compile_condition(typed, context)
    keys = []
    for source in ordered:
        value, problems = catalog.scopes.check(module, source)
        assert value is not None, problems
        keys.append(compile_order(value, context))
    order = sql(" order by {}", joined(", ", keys)) if keys else Sql("")
    return sql("select t.id from {} where {}{} limit 5", source_of(compiled, context), where, order)
