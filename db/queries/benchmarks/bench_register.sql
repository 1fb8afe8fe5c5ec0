-- Registers what the benchmark's jobs name: one model and @adapters int adapters.
with model as (
  insert into models (name, path, family, sha256)
  values ('bench', '/bench', 'sd15', 'bench')
  on conflict do nothing)
insert into adapters (name, path, sha256, size_bytes, format, algorithm, family)
select 'style' || i, '/bench', 'bench', 1, 'kohya', 'lora', 'sd15'
from generate_series(1, @adapters) i
on conflict do nothing
