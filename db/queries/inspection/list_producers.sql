-- Logins that may submit and are neither superuser, nor the owner of the schema, nor a worker's or dashboard's. Returns name, quoted_name,
-- missing (limits without which its idle transactions or statements never end, by the setting that its sessions begin with: that of the
-- login in this database, of the login, of the database, of all logins, or of the server's own files, the first of them that is there;
-- each as name=value with the value that suits a producer), unset (those of them that nobody set for the login itself, to 0 or otherwise).
with limits(setting, value) as (
  values ('idle_in_transaction_session_timeout', '1min'), ('statement_timeout', '5min')),
given as (
  select s.setrole, s.setdatabase, split_part(g.text, '=', 1) as setting, split_part(g.text, '=', 2) as value
  from pg_db_role_setting s
  join pg_database d on d.datname = current_database()
  cross join lateral unnest(s.setconfig) g(text)
  where s.setdatabase in (0, d.oid)),
missing as (
  select r.oid, l.setting, l.setting || '=' || l.value as text
  from pg_roles r
  cross join limits l
  left join lateral (
    select g.value from given g
    where g.setrole in (0, r.oid) and g.setting = l.setting
    order by g.setrole = 0, g.setdatabase = 0
    limit 1) first on true
  left join pg_settings p on p.name = l.setting and p.source = 'configuration file'
  -- Whatever its unit, a value without another digit than 0 is no limit.
  where coalesce(first.value, p.setting, '0') !~ '[1-9]')
select r.rolname::text as name, quote_ident(r.rolname) as quoted_name,
  array(select m.text from missing m where m.oid = r.oid order by m.text) as missing,
  array(
    select m.text
    from missing m
    where m.oid = r.oid and not exists (select from given g where g.setrole = r.oid and g.setting = m.setting)
    order by m.text) as unset
from pg_roles r
join pg_roles submitter on submitter.rolname = 'batchgen_submitter'
join pg_namespace n on n.nspname = current_schema()
where r.rolcanlogin and not r.rolsuper and pg_has_role(r.oid, submitter.oid, 'member') and not pg_has_role(r.oid, n.nspowner, 'member')
  and not exists (select from pg_roles w where w.rolname = 'batchgen_worker' and pg_has_role(r.oid, w.oid, 'member'))
order by r.rolname
