-- Ids of waiting jobs of a signature at a priority. @signature text, @priority int, @limit int. Index jobs_by_signature.
select j.id
from lanes l
join jobs j on j.lane_id = l.id and j.shelf = 'ready' and j.signature = @signature
where l.priority = @priority
order by j.id
limit @limit
