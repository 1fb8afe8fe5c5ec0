-- What the server is and how it is set. No parameters. Returns one row.
select current_setting('server_version_num')::int as version, current_setting('server_version') as version_text,
  current_user::text as login,
  (select r.rolsuper from pg_roles r where r.rolname = current_user) as is_superuser,
  pg_is_in_recovery() as is_standby,
  current_setting('default_transaction_read_only') = 'on' as is_read_only,
  current_setting('max_connections')::int as max_connections,
  current_setting('superuser_reserved_connections')::int as reserved_connections,
  (select count(*)::int from pg_stat_activity a where a.datid is not null and a.usesysid is not null) as used_connections,
  pg_encoding_to_char(d.encoding)::text as encoding,
  current_setting('TimeZone') as time_zone,
  current_setting('fsync') = 'on' as fsync,
  current_setting('full_page_writes') = 'on' as full_page_writes,
  current_setting('synchronous_commit') as synchronous_commit,
  current_setting('autovacuum') = 'on' as autovacuum,
  current_setting('track_counts') = 'on' as track_counts,
  (select s.setting::bigint from pg_settings s where s.name = 'statement_timeout') as statement_limit_ms,
  pg_notification_queue_usage() as notification_queue_share
from pg_database d
where d.datname = current_database()
