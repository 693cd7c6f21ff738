-- A dataset made from partitions saw no sequence: 0 is null. A republished one was computed at what its version saw.
select s.partition_key, s.row_count, s.digest_high, s.digest_low, v.version, v.quality_status, v.publication, v.run_id,
       case when v.republished_from is null then nullif(s.seen_seq, 0)
            else nullif((v.seen ->> 'admitted_seq')::bigint, 0) end as admitted_seq,
       case when v.republished_from is null then nullif(s.seen_totals_seq, 0)
            else nullif((v.seen ->> 'totals_seq')::bigint, 0) end as totals_seq,
       v.transform_version, v.contract_version
from partition_state s
join dataset_version v on v.dataset = s.dataset and v.version = s.current_version
where s.dataset = %(dataset)s and s.partition_key = any(%(keys)s::date[])
order by s.partition_key
