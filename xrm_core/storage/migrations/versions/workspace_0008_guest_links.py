"""Guest links: secret addresses of one record for people without an account; only hashes of the secrets are kept."""

from alembic import op

revision = "workspace_0008"
down_revision = "workspace_0007"
branch_labels = None
depends_on = None

# "ws." stands for the workspace's schema.
TABLES = """
create table ws.guest_link (
  id uuid primary key, digest bytea not null unique, module_id text collate "C" not null, record_id uuid not null,
  page text collate "C" not null, recipient text not null, created_at timestamptz not null, created_by jsonb not null,
  expires_at timestamptz not null, seen_at timestamptz, visits int not null default 0, used_at timestamptz,
  choice text collate "C", closed_at timestamptz, closed_by jsonb
);
create index guest_link_record on ws.guest_link (record_id, id)
"""


def upgrade() -> None:
    for statement in TABLES.split(";\n"):
        op.execute(statement.strip().replace("ws.", op.get_context().opts["workspace"] + "."))
