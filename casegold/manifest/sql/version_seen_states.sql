-- Judged with the version and found unchanged: seen as far, no new version of theirs.
update partition_state s
set seen_seq = (v.seen ->> 'admitted_seq')::bigint, seen_totals_seq = (v.seen ->> 'totals_seq')::bigint,
    seen_inputs = i.digest, seen_transform = v.seen ->> 'transform', seen_contract = v.seen ->> 'contract',
    released = false, last_run_id = v.run_id, updated_at = clock_timestamp()
from dataset_version v
cross join lateral jsonb_each_text(v.seen -> 'inputs') as i (key, digest)
where v.dataset = %(dataset)s and v.version = %(version)s
  and s.dataset = v.dataset and s.partition_key = i.key::date and s.current_version <> v.version
