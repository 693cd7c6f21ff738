-- What the ledger says of each ingest: what its records became, and from which dates on its facts change figures, held ones
-- included. An admission is none: its facts came under older numbers.
select c.seq, c.records, c.accepted, c.duplicates, c.conflicts, c.rejected_by_reason, c.committed_at,
       (select coalesce(jsonb_object_agg(dirty_from, facts), '{}')
        from (select dirty_from, sum(facts)::bigint as facts
              from (select d.dirty_from, d.facts from ingest_dates d where d.ingest_seq = c.seq
                    union all
                    select f.dirty_from, 1 from fact_admission f where f.ingest_seq = c.seq) each
              group by dirty_from) by_date) as facts
from ingest_commit c
where c.dataset = 'silver/case_events' and c.kind = 'INGEST' and c.seq between %(first)s and %(last)s
order by c.seq
