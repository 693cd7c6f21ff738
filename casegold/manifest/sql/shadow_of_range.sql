-- A shadow as a whole: `digest` stands for the figures of all its partitions, `moved` counts those of which something else
-- is official by now than what it was compared with.
select r.state, r.dataset, r.plan #>> '{pins,transform}' as transform, r.plan #> '{pins,contract}' as contract,
       (r.plan #>> '{pins,admitted_seq}')::bigint as admitted_seq, count(p.partition_key) as partitions,
       min(p.partition_key) as first, max(p.partition_key) as last,
       encode(sha256(convert_to(coalesce(string_agg(concat_ws(':', p.partition_key, p.row_count, p.digest_high, p.digest_low),
                                                    ',' order by p.partition_key), ''), 'UTF8')), 'hex') as digest,
       count(*) filter (where p.partition_key is not null and s.current_version is distinct from p.official_version) as moved
from backfill_request r
left join shadow_partition p using (backfill_run_id)
left join partition_state s on s.dataset = p.dataset and s.partition_key = p.partition_key
where r.backfill_run_id = %(id)s
group by r.backfill_run_id
