-- Waiting jobs by signature and dispatch group in the order of dispatch. @priority int, @after text and @after_group int (where the page
-- before ended; 100, '' and 0 at first), @limit int. Index jobs_by_signature, which the function hops through; counts stop at 5,000.
select priority, signature, group_id, model, model_paused, tenant, tenant_paused, waiting, oldest_at
from waiting_signatures(@priority, @after, @after_group, @limit)
