-- Dates whose official version was judged before the records came: their gate has not seen them.
select r.effective_date, sum(r.records)::bigint as records, min(c.committed_at) as first_rejected_at,
       s.current_version as version, sum(sum(r.records)) over () as total
from ingest_rejected_dates r
join ingest_commit c on c.dataset = r.dataset and c.seq = r.ingest_seq
join partition_state s on s.dataset = 'gold/case_daily_snapshot' and s.partition_key = r.effective_date
where s.current_version is not null and s.seen_seq < r.ingest_seq
group by r.effective_date, s.current_version
order by r.effective_date
limit %(limit)s
