"""Daily work: changes that can be undone, jobs, views and settings of members, notifications."""

from alembic import op

revision = "workspace_0003"
down_revision = "workspace_0002"
branch_labels = None
depends_on = None

# "ws." stands for the workspace's schema.
TABLES = """
alter table ws.event add column change_id uuid;
create index event_change on ws.event (change_id, id) where change_id is not null;
create index event_actor on ws.event ((actor ->> 'id'), change_id) where change_id is not null and kind <> 'computed';
create table ws.undone (
  change_id uuid primary key, undone_by uuid not null, at timestamptz not null
);
create index undone_by on ws.undone (undone_by);
create table ws.job (
  id uuid primary key, kind text collate "C" not null, state text collate "C" not null, total int not null,
  done int not null default 0, request jsonb not null, outcome jsonb not null default '{}', actor jsonb not null,
  member uuid, change_id uuid not null, created_at timestamptz not null, started_at timestamptz, finished_at timestamptz,
  claimed_by text collate "C", claimed_until timestamptz
);
create index job_open on ws.job (created_at, id) where finished_at is null;
create index job_member on ws.job (member, id);
create table ws.view (
  id uuid primary key, module_id text collate "C" not null, name text not null, owner uuid not null,
  visibility text collate "C" not null, definition jsonb not null, place int not null default 1000,
  version int not null default 1, created_at timestamptz not null, updated_at timestamptz not null
);
create index view_module on ws.view (module_id, owner);
create table ws.view_use (
  view text collate "C" not null, day date not null, uses int not null, primary key (view, day)
);
create table ws.view_default (
  module_id text collate "C" not null, role text collate "C" not null, view text collate "C" not null,
  primary key (module_id, role)
);
create table ws.member_state (
  member uuid not null, module_id text collate "C" not null, query text not null, at timestamptz not null,
  primary key (member, module_id)
);
create table ws.favourite (
  member uuid not null, kind text collate "C" not null, target text collate "C" not null,
  module_id text collate "C" not null, place int not null, primary key (member, kind, target)
);
create table ws.recent (
  member uuid not null, module_id text collate "C" not null, record_id uuid not null, at timestamptz not null,
  primary key (member, record_id)
);
create index recent_at on ws.recent (member, at);
create table ws.notification (
  id uuid primary key, member uuid not null, kind text collate "C" not null, at timestamptz not null,
  module_id text collate "C", record_id uuid, title text not null, body text not null, actor jsonb not null,
  key text collate "C" unique, read_at timestamptz, snoozed_until timestamptz
);
create index notification_member on ws.notification (member, id);
create index notification_unread on ws.notification (member, snoozed_until) where read_at is null;
create index notification_record on ws.notification (record_id) where record_id is not null
"""


def upgrade() -> None:
    for statement in TABLES.split(";\n"):
        op.execute(statement.strip().replace("ws.", op.get_context().opts["workspace"] + "."))
