-- Registers an adapter. @name text, @path text, @sha256 text, @size_bytes bigint, @format text, @algorithm text, @family text, @min_rank
-- int, @max_rank int, @module_count int, @trigger_words text[], @replace boolean. Returns the digest registered now: another one than
-- @sha256 means the name is taken. The name stays as first spelled: signatures of waiting jobs hold it.
insert into adapters as a (name, path, sha256, size_bytes, format, algorithm, family, min_rank, max_rank, module_count, trigger_words)
values (@name, @path, @sha256, @size_bytes, @format, @algorithm, @family, @min_rank, @max_rank, @module_count, @trigger_words)
on conflict (name_key) do update set
  path = case when @replace or a.sha256 = excluded.sha256 then excluded.path else a.path end,
  sha256 = case when @replace then excluded.sha256 else a.sha256 end,
  size_bytes = case when @replace or a.sha256 = excluded.sha256 then excluded.size_bytes else a.size_bytes end,
  format = case when @replace or a.sha256 = excluded.sha256 then excluded.format else a.format end,
  algorithm = case when @replace or a.sha256 = excluded.sha256 then excluded.algorithm else a.algorithm end,
  family = case when @replace or a.sha256 = excluded.sha256 then excluded.family else a.family end,
  min_rank = case when @replace or a.sha256 = excluded.sha256 then excluded.min_rank else a.min_rank end,
  max_rank = case when @replace or a.sha256 = excluded.sha256 then excluded.max_rank else a.max_rank end,
  module_count = case when @replace or a.sha256 = excluded.sha256 then excluded.module_count else a.module_count end,
  trigger_words = case when @replace or a.sha256 = excluded.sha256 then excluded.trigger_words else a.trigger_words end,
  registered_at = case when @replace then now() else a.registered_at end
returning name, sha256
