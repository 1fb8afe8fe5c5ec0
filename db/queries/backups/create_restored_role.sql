-- Creates the role of the setting batchgen.role if it is missing, and makes it a member of what it was a member of. Returns nothing.
do $$
declare
  wanted constant jsonb := current_setting('batchgen.role')::jsonb;
  of_role text;
  setting text;
begin
  if not exists (select from pg_roles r where r.rolname = wanted ->> 'name') then
    execute format('create role %I %s', wanted ->> 'name',
      case when (wanted ->> 'can_login')::boolean then 'login' else 'nologin' end
      || case when wanted ->> 'password' is not null then format(' password %L', wanted ->> 'password') else '' end);
    for setting in select jsonb_array_elements_text(wanted -> 'settings') loop
      -- Taken over from the session, because some settings are lists, which no literal can stand for.
      perform set_config(split_part(setting, '=', 1), substr(setting, strpos(setting, '=') + 1), true);
      execute format('alter role %I set %I from current', wanted ->> 'name', split_part(setting, '=', 1));
    end loop;
  end if;
  for of_role in select jsonb_array_elements_text(wanted -> 'member_of') loop
    if not pg_has_role(wanted ->> 'name', of_role, 'member') then execute format('grant %I to %I', of_role, wanted ->> 'name'); end if;
  end loop;
end $$
