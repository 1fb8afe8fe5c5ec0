-- Names of samplers, in the order help texts list them.
select name
from samplers
order by position
