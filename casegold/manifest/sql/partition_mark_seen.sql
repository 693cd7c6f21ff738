update partition_state s
set seen_seq = (seen.value ->> 'admitted_seq')::bigint, seen_totals_seq = (seen.value ->> 'totals_seq')::bigint,
    seen_inputs = i.digest, seen_transform = seen.value ->> 'transform', seen_contract = seen.value ->> 'contract',
    released = false, last_run_id = %(run_id)s, updated_at = clock_timestamp()
from (select %(seen)s::jsonb as value) as seen
cross join lateral jsonb_each_text(seen.value -> 'inputs') as i (key, digest)
where s.dataset = %(dataset)s and s.partition_key = i.key::date
