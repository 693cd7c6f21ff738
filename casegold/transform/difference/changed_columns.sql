-- By the column's place among the values, from 1: in how many rows of both versions it differs.
select place, count(*) as changed
from changed_rows, unnest(range(1, len(before) + 1)) as places (place)
where after is not null and before[place] is distinct from after[place]
group by place
