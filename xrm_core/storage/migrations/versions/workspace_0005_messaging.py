"""Messages: mail in and out with the records it is about, mailboxes, suppression, invitations, calendars, webhooks."""

from alembic import op

revision = "workspace_0005"
down_revision = "workspace_0004"
branch_labels = None
depends_on = None

# "ws." stands for the workspace's schema.
TABLES = """
alter table ws.outbox add column destination text collate "C" not null default '';
alter table ws.outbox add column created_at timestamptz;
alter table ws.outbox add column handed_at timestamptz;
alter table ws.outbox add column result jsonb;
create index outbox_failed on ws.outbox (failed_at, id) where failed_at is not null;
create table ws.mailbox (
  id uuid primary key, kind text collate "C" not null, member uuid, name text not null,
  address text collate "C" not null, settings jsonb not null, secret bytea, state jsonb not null default '{}',
  enabled boolean not null default true, next_at timestamptz, claimed_by text, claimed_until timestamptz,
  checked_at timestamptz, error text, created_at timestamptz not null, updated_at timestamptz not null
);
create index mailbox_due on ws.mailbox (next_at, id) where enabled;
create index mailbox_member on ws.mailbox (member, kind);
create table ws.message (
  id uuid primary key, direction text collate "C" not null, kind text collate "C" not null,
  message_id text collate "C" not null unique, thread text collate "C" not null, in_reply_to text collate "C",
  subject text not null, sender jsonb not null, recipients jsonb not null, at timestamptz not null,
  body text not null, html text, quoted text, state text collate "C" not null, mailbox_id uuid, member uuid,
  participants uuid[] not null default '{}', shared boolean not null default false,
  attachments jsonb not null default '[]', size bigint not null, outbox_id uuid, problem text, details jsonb
);
create index message_thread on ws.message (thread, id);
create index message_outbox on ws.message (outbox_id) where outbox_id is not null;
create index message_reply on ws.message (in_reply_to) where in_reply_to is not null;
create table ws.message_link (
  message_id uuid not null, module_id text collate "C" not null, record_id uuid not null, via text collate "C" not null,
  primary key (record_id, message_id)
);
create index message_link_message on ws.message_link (message_id);
create table ws.suppression (
  address text collate "C" not null, scope text collate "C" not null, reason text collate "C" not null,
  details text not null default '', at timestamptz not null, primary key (address, scope)
);
create table ws.invitation (
  record_id uuid primary key, module_id text collate "C" not null, uid text collate "C" not null unique,
  sequence int not null, state text collate "C" not null, digest bytea not null, organizer jsonb not null,
  attendees jsonb not null, details jsonb not null, updated_at timestamptz not null
);
create table ws.calendar_item (
  mailbox_id uuid not null, href text collate "C" not null, uid text collate "C" not null, etag text collate "C",
  record_id uuid, digest bytea, title text not null, starts_at timestamptz, ends_at timestamptz,
  busy boolean not null default true, problem text, updated_at timestamptz not null, primary key (mailbox_id, href)
);
create index calendar_item_record on ws.calendar_item (record_id) where record_id is not null;
create index calendar_item_time on ws.calendar_item (mailbox_id, starts_at);
create table ws.webhook (
  id uuid primary key, direction text collate "C" not null, name text not null, url text, secret bytea not null,
  events text[] not null default '{}', modules text[] not null default '{}', filter text, member uuid not null,
  enabled boolean not null default true, settings jsonb not null default '{}', position uuid,
  created_at timestamptz not null, updated_at timestamptz not null
);
create table ws.webhook_seen (
  webhook_id uuid not null, key text collate "C" not null, at timestamptz not null, primary key (webhook_id, key)
);
create index webhook_seen_at on ws.webhook_seen (at)
"""


def upgrade() -> None:
    for statement in TABLES.split(";\n"):
        op.execute(statement.strip().replace("ws.", op.get_context().opts["workspace"] + "."))
