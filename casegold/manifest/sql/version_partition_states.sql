insert into partition_state (dataset, partition_key, current_version, row_count, digest_high, digest_low, seen_seq,
                             seen_totals_seq, seen_inputs, seen_transform, seen_contract, last_run_id)
select p.dataset, p.partition_key, p.version, p.row_count, p.digest_high, p.digest_low,
       (v.seen ->> 'admitted_seq')::bigint, (v.seen ->> 'totals_seq')::bigint,
       v.seen -> 'inputs' ->> p.partition_key::text, v.seen ->> 'transform', v.seen ->> 'contract', v.run_id
from version_partition p
join dataset_version v using (dataset, version)
where p.dataset = %(dataset)s and p.version = %(version)s
on conflict (dataset, partition_key) do update set
    current_version = excluded.current_version, row_count = excluded.row_count,
    digest_high = excluded.digest_high, digest_low = excluded.digest_low,
    seen_seq = excluded.seen_seq, seen_totals_seq = excluded.seen_totals_seq, seen_inputs = excluded.seen_inputs,
    seen_transform = excluded.seen_transform, seen_contract = excluded.seen_contract,
    released = false, last_run_id = excluded.last_run_id, updated_at = clock_timestamp()
