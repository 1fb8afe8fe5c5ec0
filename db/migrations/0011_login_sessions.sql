-- Logins of people, so that a logout ends a login on the server and a copied cookie is worth nothing afterwards.

create table login_sessions (
  hash bytea primary key,
  account_id int not null references accounts on delete cascade,
  created_at timestamptz not null default now(),
  constraint login_sessions_hash_length check (octet_length(hash) = 32)
);
comment on table login_sessions is 'Logins that have not ended, by SHA-256 of the random text that the cookie holds.';
comment on column login_sessions.created_at is 'When the person logged in: a login ends a set time after that, however much it is used.';

create index login_sessions_by_time on login_sessions (created_at);
comment on index login_sessions_by_time is 'Query insert_login_session: finds logins that have lasted too long.';

create index login_sessions_by_account on login_sessions (account_id);
comment on index login_sessions_by_account is 'Query delete_account: the logins of an account end with it.';
