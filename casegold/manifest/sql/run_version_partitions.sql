-- What each version of a run has in each partition: rows, digest, the version before it, and its last verification.
select p.dataset, p.version, p.partition_key as partition, p.row_count as rows,
       p.digest_high::text as digest_high, p.digest_low::text as digest_low, p.previous_version,
       f.files, f.bytes,
       coalesce((select jsonb_agg(jsonb_build_object('name', a.name, 'media_type', a.media_type, 'uri', a.uri,
                                                     'bytes', a.bytes, 'sha256', a.sha256) order by a.name)
                 from version_artifact a
                 where (a.dataset, a.version, a.partition_key) = (p.dataset, p.version, p.partition_key)), '[]') as artifacts
from version_partition p
join dataset_version v using (dataset, version)
cross join lateral (
    select count(*) as files, coalesce(sum(file_bytes), 0)::bigint as bytes
    from version_file
    where (dataset, version, partition_key) = (p.dataset, p.version, p.partition_key)) f
where v.run_id = %(run_id)s
order by p.dataset, p.version, p.partition_key
