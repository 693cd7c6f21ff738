insert into run_manifest (run_id, pipeline, dataset, scope, transform_version, mode, parameters,
                          partition_from, partition_to, requested_by, caused_by)
values (%(run_id)s, %(pipeline)s, %(dataset)s, %(scope)s, %(transform_version)s, %(mode)s, %(parameters)s,
        %(partition_from)s, %(partition_to)s, %(requested_by)s, %(caused_by)s)
on conflict (run_id) do update set
    -- A superseded scope that is due again (a sequence cannot fall back, but a hold can be released) is opened again.
    state = case when run_manifest.state = 'SUPERSEDED' then 'OPEN' else run_manifest.state end,
    ended_at = case when run_manifest.state = 'SUPERSEDED' then null else run_manifest.ended_at end
