insert into dataset_version (dataset, version, run_id, attempt, token, mode, base_snapshot_id, staged_branch,
                             staged_snapshot_id, quality_status, publication, transform_version, contract_version,
                             caused_by, seen, republished_from, tolerated, supersedes)
select %(dataset)s, highest_number(%(dataset)s) + 1, %(run_id)s, %(attempt)s, %(token)s, %(mode)s, %(base_snapshot_id)s,
       %(staged_branch)s, %(staged_snapshot_id)s, %(quality_status)s, %(publication)s, %(transform_version)s,
       %(contract_version)s, %(caused_by)s, %(seen)s, %(republished_from)s, %(tolerated)s,
       max(version) filter (where state = 'COMPLETED')
from dataset_version
where dataset = %(dataset)s
returning *
