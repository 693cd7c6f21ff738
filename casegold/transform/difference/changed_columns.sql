-- Per column, by its position among the values from 1: in how many rows, present in both versions, it differs.
select place, count(*) as changed
from changed_rows, unnest(range(1, len(before) + 1)) as places (place)
where after is not null and before[place] is distinct from after[place]
group by place
