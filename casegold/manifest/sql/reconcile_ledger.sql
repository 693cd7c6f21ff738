select coalesce(max(seq), 0) as last_seq, coalesce(sum(records), 0)::bigint as records,
       coalesce(sum(accepted), 0)::bigint as accepted, coalesce(sum(conflicts + rejected), 0)::bigint as refused,
       exists (select from run_manifest m where m.dataset = %(dataset)s and m.state = 'OPEN') as busy
from ingest_commit
where dataset = %(dataset)s and kind = 'INGEST'
