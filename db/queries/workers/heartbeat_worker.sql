-- Says a worker is alive, and hands it its orders; that of a canary is taken back with it. @worker_id uuid,
-- @cache_hits, @cache_misses, @cache_bytes bigint: its host cache of adapters. Returns paused, draining, canary, set_aside.
with was as materialized (
  select id, canary_ordered from workers where id = @worker_id and stopped_at is null for update)
update workers w
set heartbeat_at = clock_timestamp(), canary_ordered = false,
  adapter_cache_hits = @cache_hits, adapter_cache_misses = @cache_misses, adapter_cache_bytes = @cache_bytes
from was
where w.id = was.id
returning w.paused, w.draining, was.canary_ordered as canary, w.set_aside_at is not null as set_aside
