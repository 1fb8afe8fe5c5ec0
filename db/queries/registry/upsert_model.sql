-- Registers a model. @name text, @path text, @family text, @sha256 text, @native_width int, @native_height int, @files jsonb, @prediction
-- text or null, @replace boolean. Returns the digest registered now: another one than @sha256 means the name is taken. The name stays as
-- first spelled: signatures of waiting jobs hold it.
insert into models as m (name, path, family, sha256, native_width, native_height, files, prediction)
values (@name, @path, @family, @sha256, @native_width, @native_height, @files, @prediction)
on conflict (name_key) do update set
  path = case when @replace or m.sha256 = excluded.sha256 then excluded.path else m.path end,
  family = case when @replace then excluded.family else m.family end,
  sha256 = case when @replace then excluded.sha256 else m.sha256 end,
  native_width = case when @replace or m.sha256 = excluded.sha256 then excluded.native_width else m.native_width end,
  native_height = case when @replace or m.sha256 = excluded.sha256 then excluded.native_height else m.native_height end,
  files = case when @replace or m.sha256 = excluded.sha256 then excluded.files else m.files end,
  prediction = case when @replace or m.sha256 = excluded.sha256 then excluded.prediction else m.prediction end,
  registered_at = case when @replace then now() else m.registered_at end
returning name, sha256
