"""Imports: what was imported from which file, what it created, which rows were left out, and keys of other systems."""

from alembic import op

revision = "workspace_0002"
down_revision = "workspace_0001"
branch_labels = None
depends_on = None

# "ws." stands for the workspace's schema.
TABLES = """
create table ws.import (
  id uuid primary key, bundle uuid, kind text collate "C" not null, module_id text collate "C" not null,
  file_id uuid, file_name text not null, state text collate "C" not null, mapping jsonb not null default '{}',
  format jsonb not null default '{}', counts jsonb not null default '{}', position bigint not null default 0,
  error jsonb, actor jsonb not null, created_by uuid, created_at timestamptz not null, updated_at timestamptz not null,
  finished_at timestamptz
);
create index import_bundle on ws.import (bundle) where bundle is not null;
create table ws.import_record (
  import_id uuid not null, module_id text collate "C" not null, record_id uuid not null,
  primary key (import_id, module_id, record_id)
);
create table ws.import_row (
  import_id uuid not null, number bigint not null, left_out boolean not null, problems jsonb not null, cells jsonb not null,
  primary key (import_id, number)
);
create table ws.import_key (
  module_id text collate "C" not null, source text collate "C" not null, key text collate "C" not null,
  record_id uuid not null, primary key (module_id, source, key)
);
create index import_key_record on ws.import_key (record_id)
"""


def upgrade() -> None:
    for statement in TABLES.split(";\n"):
        op.execute(statement.strip().replace("ws.", op.get_context().opts["workspace"] + "."))
