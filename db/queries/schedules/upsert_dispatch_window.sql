-- Adds or changes a dispatch window for all jobs. @name text, @time_zone text, @opens time, @closes time. Returns its id.
insert into dispatch_windows (name, time_zone, opens, closes) values (@name, @time_zone, @opens, @closes)
on conflict (name) do update set time_zone = excluded.time_zone, opens = excluded.opens, closes = excluded.closes, enabled = true
returning id
