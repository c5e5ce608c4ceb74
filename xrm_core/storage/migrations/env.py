"""Alembic's environment: one connection and one schema, given by the caller; every migration commits by itself."""

from alembic import context

attributes = context.config.attributes
context.configure(
    connection=attributes["connection"],
    version_table="schema_version",
    version_table_schema=attributes["schema"],
    transaction_per_migration=True,
    workspace=attributes["schema"],
    trigrams=attributes["trigrams"],
)
with context.begin_transaction():
    context.run_migrations()
