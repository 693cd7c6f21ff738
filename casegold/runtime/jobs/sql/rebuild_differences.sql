select ingest_seq, count(*) as row_count
from ((select * from made_rows except all select * from found_rows)
      union all
      (select * from found_rows except all select * from made_rows))
group by ingest_seq
order by ingest_seq
limit 1
