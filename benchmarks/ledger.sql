-- Ten years of snapshots, restated a hundred days at a time until a million partitions are published.
insert into run_manifest (run_id, pipeline, dataset, scope, transform_version, requested_by, state, ended_at,
                          partition_from, partition_to)
select lpad(to_hex(v), 64, '0'), 'snapshot', 'gold/case_daily_snapshot',
       jsonb_build_object('previous_version', case when v > 1 then v - 1 end), '1', 'benchmark', 'SUCCEEDED', now(),
       date '2010-01-01' + (v * 37) % 3550, date '2010-01-01' + (v * 37) % 3550 + 99
from generate_series(1, 10000) v;
insert into run_attempt (run_id, attempt, requested_by, state, ended_at, exit_class)
select run_id, 1, 'benchmark', 'SUCCEEDED', now(), 0 from run_manifest;
insert into dataset_version (dataset, version, state, run_id, attempt, token, base_snapshot_id, staged_branch,
                             staged_snapshot_id, snapshot_id, quality_status, publication, transform_version,
                             contract_version, seen, completed_at)
select 'gold/case_daily_snapshot', v, 'COMPLETED', lpad(to_hex(v), 64, '0'), 1, gen_random_uuid(), 1, 'b', 1, 1, 'PASSED',
       'OFFICIAL', (1 + v / 5000)::text, '1', '{}', now()
from generate_series(1, 10000) v;
insert into version_partition (dataset, version, partition_key, row_count, digest_high, digest_low)
select m.dataset, v.version, m.partition_from + n, 1000, 0, 0
from dataset_version v join run_manifest m using (run_id) cross join generate_series(0, 99) n;
insert into version_input (dataset, version, partition_key, input_dataset, input_partition, input_version)
select dataset, version, partition_key, 'silver/case_events', partition_key, version from version_partition;
insert into partition_state (dataset, partition_key, current_version, row_count, digest_high, digest_low, seen_transform,
                             seen_contract, last_run_id)
select dataset, partition_key, max(version), 1000, 0, 0, '1', '1', lpad('1', 64, '0') from version_partition group by 1, 2;
-- One report version per restatement, with the months that it touched, computed from the days that it changed.
insert into run_manifest (run_id, pipeline, dataset, scope, transform_version, requested_by, state, ended_at)
select 'f' || lpad(to_hex(v), 63, '0'), 'report', 'reports/enforcement_report', '{}', '1', 'benchmark', 'SUCCEEDED', now()
from generate_series(1, 10000) v;
insert into run_attempt (run_id, attempt, requested_by, state, ended_at, exit_class)
select run_id, 1, 'benchmark', 'SUCCEEDED', now(), 0 from run_manifest where pipeline = 'report';
insert into dataset_version (dataset, version, state, run_id, attempt, token, base_snapshot_id, staged_branch,
                             staged_snapshot_id, snapshot_id, quality_status, publication, transform_version,
                             contract_version, seen, completed_at)
select 'reports/enforcement_report', v, 'COMPLETED', 'f' || lpad(to_hex(v), 63, '0'), 1, gen_random_uuid(), 1, 'b', 1, 1,
       'PASSED', 'OFFICIAL', 'report-1', '1', '{}', now()
from generate_series(1, 10000) v;
insert into version_partition (dataset, version, partition_key, row_count, digest_high, digest_low)
select distinct 'reports/enforcement_report', version, date_trunc('month', partition_key)::date, 100, 0, 0
from version_partition;
insert into version_input (dataset, version, partition_key, input_dataset, input_partition, input_version)
select 'reports/enforcement_report', version, date_trunc('month', partition_key)::date, dataset, partition_key, version
from version_partition where dataset = 'gold/case_daily_snapshot';
insert into partition_state (dataset, partition_key, current_version, row_count, digest_high, digest_low, seen_transform,
                             seen_contract, last_run_id)
select dataset, partition_key, max(version), 100, 0, 0, '1', '1', lpad('1', 64, '0') from version_partition
where dataset = 'reports/enforcement_report' group by 1, 2;
analyze;
