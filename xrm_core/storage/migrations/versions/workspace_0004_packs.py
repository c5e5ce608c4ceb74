"""Packs: what each installed pack brought, what was done with it, and the values that its changes replaced."""

from alembic import op

revision = "workspace_0004"
down_revision = "workspace_0003"
branch_labels = None
depends_on = None

# "ws." stands for the workspace's schema.
TABLES = """
create table ws.pack (
  name text collate "C" primary key, version text collate "C" not null, state text collate "C" not null,
  contents jsonb not null, decisions jsonb not null default '[]', installed_at timestamptz not null,
  updated_at timestamptz not null
);
create table ws.pack_step (
  id uuid primary key, pack text collate "C" not null, kind text collate "C" not null, from_version text,
  to_version text, before_number int not null, after_number int not null, contents_before jsonb, state_before text,
  decisions jsonb not null default '[]', counts jsonb not null default '{}', actor jsonb not null,
  at timestamptz not null, undone_at timestamptz
);
create index pack_step_pack on ws.pack_step (pack, id);
create table ws.pack_value (
  step_id uuid not null, module_id text collate "C" not null, record_id uuid not null, key text collate "C" not null,
  before jsonb, after jsonb, primary key (step_id, module_id, record_id, key)
)
"""


def upgrade() -> None:
    options = op.get_context().opts
    for statement in TABLES.split(";\n"):
        op.execute(statement.strip().replace("ws.", options["workspace"] + "."))
