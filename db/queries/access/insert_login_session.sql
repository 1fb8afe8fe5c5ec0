-- Adds a login of a person, and removes those of all people that have lasted too long. @hash bytea, @name text, @lifetime interval.
-- Indexes accounts_name_key_unique, login_sessions_by_time.
with ended as (
  delete from login_sessions where created_at <= now() - @lifetime
)
insert into login_sessions (hash, account_id)
select @hash, id from accounts where name_key = lower(@name)
