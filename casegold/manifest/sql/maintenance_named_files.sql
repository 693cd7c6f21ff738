-- What versions name, and open runs: only an abandoned version needs nothing any more.
select f.file_path as location
from version_file f
join dataset_version v using (dataset, version)
where f.dataset = %(dataset)s and v.state <> 'ABANDONED'
union
select a.uri
from version_artifact a
join dataset_version v using (dataset, version)
where a.dataset = %(dataset)s and v.state <> 'ABANDONED'
union
select file ->> 'path'
from staged_chunk c
join run_manifest m using (run_id)
cross join lateral jsonb_array_elements(c.files) as file
where m.dataset = %(dataset)s
union
select file ->> 'path'
from shadow s
join shadow_partition p using (backfill_run_id)
cross join lateral jsonb_array_elements(p.files) as file
where s.dataset = %(dataset)s and s.recorded_at >= clock_timestamp() - %(shadows_kept)s
