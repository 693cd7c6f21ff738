select plan #>> '{facts,digest}' as digest, (plan #>> '{facts,count}')::bigint as count,
       (plan #>> '{pins,admitted_seq}')::bigint as admitted_seq, partition_from as first, partition_to as last
from backfill_request
where backfill_run_id = %(backfill_run_id)s
