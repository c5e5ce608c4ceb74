-- Refuses in workspace schemas what a distributed server refuses, or accepts and does not enforce. Only for test databases.
create schema if not exists test_guard;
create or replace function test_guard.check_workspaces() returns event_trigger language plpgsql as $$
declare
  found text;
begin
  with workspace_table as (
    select c.oid, c.relname, c.relkind, n.nspname || '.' || c.relname as name, n.oid as space
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace where n.nspname like 'ws\_%'
  )
  select fault into found from (
    select 'R3: no primary key: ' || t.name as fault from workspace_table t
      where t.relkind in ('r', 'p') and not exists
        (select 1 from pg_catalog.pg_index i where i.indrelid = t.oid and i.indisprimary)
    union all
    select 'R4: foreign key leaves the workspace: ' || f.conname from pg_catalog.pg_constraint f
      join pg_catalog.pg_class a on a.oid = f.conrelid join pg_catalog.pg_class b on b.oid = f.confrelid
      where f.contype = 'f' and a.relnamespace <> b.relnamespace
        and (a.oid in (select oid from workspace_table) or b.oid in (select oid from workspace_table))
    union all
    select 'R4: trigger on ' || t.name from workspace_table t join pg_catalog.pg_trigger g on g.tgrelid = t.oid
      where not g.tgisinternal
    union all
    select 'R4: inheritance of ' || t.name from workspace_table t join pg_catalog.pg_inherits i on i.inhrelid = t.oid
      where t.relkind = 'r'
    union all
    select 'R3: identity or sequence in ' || t.name from workspace_table t
      join pg_catalog.pg_attribute a on a.attrelid = t.oid and a.attnum > 0
      left join pg_catalog.pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
      where t.relkind in ('r', 'p')
        and (a.attidentity <> '' or pg_catalog.pg_get_expr(d.adbin, d.adrelid) like 'nextval(%')
    union all
    select 'R4: neither table nor index: ' || t.name from workspace_table t where t.relkind in ('m', 'f', 'S')
    union all
    select 'R12: longer than 48 bytes: ' || t.name from workspace_table t
      where t.relkind in ('r', 'p', 'i', 'I') and octet_length(t.relname) > 48
  ) x limit 1;
  if found is not null then
    raise exception '%', found;
  end if;
end $$;
drop event trigger if exists test_guard_workspaces;
create event trigger test_guard_workspaces on ddl_command_end
  when tag in ('CREATE TABLE', 'ALTER TABLE', 'CREATE TABLE AS', 'SELECT INTO', 'CREATE TRIGGER', 'CREATE INDEX',
               'ALTER INDEX', 'CREATE MATERIALIZED VIEW', 'CREATE FOREIGN TABLE', 'CREATE SEQUENCE')
  execute function test_guard.check_workspaces();
