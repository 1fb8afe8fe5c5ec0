-- Logins that may submit and are neither superuser nor the owner of the schema. Returns name, quoted_name, has_limits (whether idle
-- transactions and statements end by a setting of the login, of the database, or of the server's own files).
select r.rolname::text as name, quote_ident(r.rolname) as quoted_name,
  not exists (
    select from unnest(array['idle_in_transaction_session_timeout', 'statement_timeout']) wanted(setting)
    where not exists (
        select from pg_db_role_setting s
        cross join lateral unnest(s.setconfig) given(text)
        where s.setrole in (0, r.oid) and s.setdatabase in (0, d.oid)
          and split_part(given.text, '=', 1) = wanted.setting and split_part(given.text, '=', 2) not like '0%')
      and not exists (
        select from pg_settings p where p.name = wanted.setting and p.source = 'configuration file' and p.setting <> '0')) as has_limits
from pg_roles r
join pg_roles submitter on submitter.rolname = 'batchgen_submitter'
join pg_database d on d.datname = current_database()
join pg_namespace n on n.nspname = current_schema()
where r.rolcanlogin and not r.rolsuper and pg_has_role(r.oid, submitter.oid, 'member') and not pg_has_role(r.oid, n.nspowner, 'member')
order by r.rolname
