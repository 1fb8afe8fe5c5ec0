create or replace view samplers as
select name, position::int
from unnest(sampler_choices()) with ordinality s(name, position);
comment on view samplers is 'Samplers that jobs may name, in the order that help texts list them.';
