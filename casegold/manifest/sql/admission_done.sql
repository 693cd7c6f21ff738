select c.seq, coalesce(sum(i.facts), 0)::bigint as facts
from ingest_commit c
left join ingest_dates i on i.dataset = c.dataset and i.ingest_seq = c.seq
where c.run_id = %(run_id)s and c.kind = 'ADMISSION'
group by c.seq
