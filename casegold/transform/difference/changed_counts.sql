select partition_key,
       count(*) filter (where before is null) as added,
       count(*) filter (where after is null) as removed,
       count(*) filter (where before is not null and after is not null) as changed
from changed_rows
group by partition_key
