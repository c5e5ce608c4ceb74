"""Automations: occurrences know where a run stands, every step has its row, and each automation its state."""

from alembic import op

revision = "workspace_0007"
down_revision = "workspace_0006"
branch_labels = None
depends_on = None

# "ws." stands for the workspace's schema.
TABLES = """
alter table ws.occurrence
  add column module_id text collate "C", add column timed boolean not null default false,
  add column mark text not null default '', add column basis text not null default '', add column next_at timestamptz,
  add column version int, add column position jsonb, add column context jsonb, add column reason text,
  add column late boolean not null default false, add column started_at timestamptz;
create index occurrence_next on ws.occurrence (next_at, id) where next_at is not null;
create index occurrence_open on ws.occurrence (record_id, automation_id) where state in ('running', 'waiting');
create table ws.automation_step (
  occurrence_id uuid not null, number int not null, at timestamptz not null, step text not null, place text not null,
  state text not null, result jsonb not null, primary key (occurrence_id, number)
);
create table ws.automation_state (
  automation_id text collate "C" primary key, armed text not null default '', cursor uuid, turn int not null default 0,
  hour timestamptz, started int not null default 0, enabled_at timestamptz
);
create table ws.automation_mail (
  id uuid primary key, address text collate "C" not null, at timestamptz not null
);
create index automation_mail_address on ws.automation_mail (address, at)
"""


def upgrade() -> None:
    for statement in TABLES.split(";\n"):
        op.execute(statement.strip().replace("ws.", op.get_context().opts["workspace"] + "."))
