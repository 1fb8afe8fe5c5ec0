-- Waiting jobs by signature in the order of dispatch. @priority int and @after text (where the page before ended; 100 and '' at first), @limit int.
-- Index jobs_by_signature, which the function hops through; counts stop at 5,000.
select priority, signature, model, model_paused, tenant, tenant_paused, waiting, oldest_at
from waiting_signatures(@priority, @after, @limit)
