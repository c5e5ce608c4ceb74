"""The tables that every workspace has; modules get theirs when they are published."""

from alembic import op

revision = "workspace_0001"
down_revision = None
branch_labels = ("workspace",)
depends_on = None

# "ws." stands for the workspace's schema.
TABLES = """
create table ws.event (
  id uuid primary key, module_id text collate "C" not null, record_id uuid not null, version int not null,
  kind text collate "C" not null, actor jsonb not null, at timestamptz not null, changes jsonb not null
);
create index event_record on ws.event (record_id, id);
create table ws.long_text (
  module_id text collate "C" not null, record_id uuid not null, field_id text collate "C" not null,
  value text not null, primary key (module_id, record_id, field_id)
);
create table ws.link (
  link_id text collate "C" not null, source_id uuid not null, target_module text collate "C" not null,
  target_id uuid not null, attributes jsonb, primary key (link_id, source_id, target_id)
);
create index link_target on ws.link (target_id, link_id);
create table ws.search (
  module_id text collate "C" not null, record_id uuid not null, title text not null,
  folded text collate "C" not null, tsv tsvector not null, primary key (module_id, record_id)
);
create index search_tsv on ws.search using gin (tsv);
create index search_prefix on ws.search (folded, record_id);
create index search_trigram on ws.search using gin (folded {trigrams}.gin_trgm_ops);
create table ws.outbox (
  id uuid primary key, run_at timestamptz not null, kind text collate "C" not null, key text collate "C" unique,
  payload jsonb not null, attempts int not null default 0, claimed_by text, claimed_until timestamptz,
  done_at timestamptz, failed_at timestamptz, error text
);
create index outbox_due on ws.outbox (run_at, id) where done_at is null and failed_at is null;
create table ws.occurrence (
  id uuid primary key, automation_id text collate "C" not null, record_id uuid, due_at timestamptz not null,
  key text collate "C" not null unique, state text collate "C" not null, attempts int not null default 0,
  claimed_by text, claimed_until timestamptz, created_at timestamptz not null, done_at timestamptz, result jsonb
);
create index occurrence_due on ws.occurrence (due_at, id) where state = 'due';
create index occurrence_record on ws.occurrence (record_id, automation_id);
create index occurrence_automation on ws.occurrence (automation_id, id);
create table ws.definition (
  kind text collate "C" not null, id text collate "C" not null, name text collate "C" not null, body jsonb not null,
  origin text collate "C", retired_at timestamptz, primary key (kind, id)
);
create table ws.definition_version (
  number int primary key, hash text collate "C" not null, author jsonb not null, at timestamptz not null,
  summary text not null, changes jsonb not null, snapshot jsonb not null, schemas jsonb not null
);
create table ws.member (
  id uuid primary key, name text not null, email text collate "C" not null, roles text[] not null default '{}',
  teams uuid[] not null default '{}', settings jsonb not null default '{}', created_at timestamptz not null,
  disabled_at timestamptz
);
create table ws.team (
  id uuid primary key, name text not null, lead uuid, created_at timestamptz not null, archived_at timestamptz
);
create table ws.file (
  id uuid primary key, name text not null, size bigint not null, type text not null, sha256 bytea not null,
  module_id text collate "C", record_id uuid, created_at timestamptz not null, created_by uuid, deleted_at timestamptz
);
create index file_record on ws.file (record_id) where record_id is not null;
create table ws.file_content (
  id uuid primary key references ws.file on delete cascade, content bytea not null
);
create table ws.counter (name text collate "C" primary key, value bigint not null);
create table ws.setting (key text collate "C" primary key, value jsonb not null);
create table ws.lock (name text collate "C" primary key, holder text, until timestamptz);
create table ws.idempotency (
  actor text collate "C" not null, key text collate "C" not null, request bytea not null, status int,
  headers jsonb, body bytea, created_at timestamptz not null, primary key (actor, key)
);
create index idempotency_age on ws.idempotency (created_at);
create table ws.index_job (
  module_id text collate "C" not null, fields text collate "C" not null, use text collate "C" not null,
  state text collate "C" not null, cursor uuid, filled bigint not null default 0, error text, problems jsonb,
  claimed_by text, claimed_until timestamptz, created_at timestamptz not null, updated_at timestamptz not null,
  primary key (module_id, fields, use)
)
"""


def upgrade() -> None:
    options = op.get_context().opts
    for statement in TABLES.split(";\n"):
        text = statement.strip().replace("ws.", options["workspace"] + ".").replace("{trigrams}", options["trigrams"])
        op.execute(text)
