-- Submits jobs. $1 jsonb: a list of them. Returns their ids in order.
select array_agg(s.id order by s.place) from batchgen.submit_jobs($1) with ordinality s(id, place)
