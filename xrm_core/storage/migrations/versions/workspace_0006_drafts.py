"""Drafts of definitions, and the steps by which published changes replaced stored values."""

from alembic import op

revision = "workspace_0006"
down_revision = "workspace_0005"
branch_labels = None
depends_on = None

# "ws." stands for the workspace's schema.
TABLES = """
create table ws.definition_draft (
  id uuid primary key, member text collate "C" not null unique, version int not null, base_number int not null,
  operations jsonb not null default '[]', undone jsonb not null default '[]', snapshot jsonb not null,
  created_at timestamptz not null, updated_at timestamptz not null
);
create table ws.definition_step (
  id uuid primary key, number int not null, modules text[] not null, tasks jsonb not null, at timestamptz not null,
  undone_in int
);
create index definition_step_number on ws.definition_step (number)
"""


def upgrade() -> None:
    for statement in TABLES.split(";\n"):
        op.execute(statement.strip().replace("ws.", op.get_context().opts["workspace"] + "."))
