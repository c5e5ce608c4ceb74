"""Workspaces, accounts, sessions and tokens."""

from alembic import op

revision = "control_0001"
down_revision = None
branch_labels = ("control",)
depends_on = None

TABLES = """
create table xrm_control.workspace (
  id uuid primary key, slug text collate "C" not null unique, name text not null,
  schema_name text collate "C" not null unique, dsn text, time_zone text not null default 'UTC',
  currency text not null default 'EUR', locale text not null default 'en', settings jsonb not null default '{}',
  created_at timestamptz not null, archived_at timestamptz
);
create table xrm_control.account (
  id uuid primary key, email text collate "C" not null unique, name text not null, password_hash text,
  locale text, theme text, settings jsonb not null default '{}',
  created_at timestamptz not null, updated_at timestamptz not null, last_login_at timestamptz, disabled_at timestamptz
);
create table xrm_control.membership (
  workspace_id uuid not null references xrm_control.workspace on delete cascade,
  account_id uuid not null references xrm_control.account on delete cascade,
  created_at timestamptz not null, primary key (account_id, workspace_id)
);
create index membership_workspace on xrm_control.membership (workspace_id);
create table xrm_control.session (
  id bytea primary key, account_id uuid not null references xrm_control.account on delete cascade,
  workspace_id uuid references xrm_control.workspace on delete cascade, csrf text not null,
  created_at timestamptz not null, last_seen_at timestamptz not null, expires_at timestamptz not null,
  address text, agent text
);
create index session_account on xrm_control.session (account_id);
create index session_expires on xrm_control.session (expires_at);
create table xrm_control.token (
  id uuid primary key, account_id uuid not null references xrm_control.account on delete cascade,
  workspace_id uuid not null references xrm_control.workspace on delete cascade, name text not null,
  hash bytea not null unique, created_at timestamptz not null, last_used_at timestamptz, expires_at timestamptz,
  revoked_at timestamptz
);
create index token_account on xrm_control.token (account_id);
create table xrm_control.workspace_due (
  workspace_id uuid primary key references xrm_control.workspace on delete cascade, due_at timestamptz not null
);
create index workspace_due_at on xrm_control.workspace_due (due_at);
create table xrm_control.setting (key text collate "C" primary key, value jsonb not null)
"""


def upgrade() -> None:
    for statement in TABLES.split(";\n"):
        op.execute(statement.strip())
