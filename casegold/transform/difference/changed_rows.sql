-- The rows of both sides, joined by key; a side without the row is null.
create or replace temp table changed_rows as
select coalesce(b.partition_key, a.partition_key) as partition_key, coalesce(b.key, a.key) as key,
       b.cells as before, a.cells as after
from cells_before as b
full join cells_after as a on a.partition_key = b.partition_key and a.key = b.key
