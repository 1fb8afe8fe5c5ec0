-- An open batch, newer than another, that has drawn a step. $1 bigint: the other batch. Returns its id and the name of its worker.
select b.id, w.name
from batches b join workers w on w.id = b.worker_id
where b.state = 'open' and b.id > $1 and b.step > 0
order by b.id limit 1
