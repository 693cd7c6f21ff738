select r.dataset, r.version, r.partition_key as partition, r.outcome, r.reason, r.recorded_digest, r.stored_digest,
       r.computed_digest, r.transform_version, r.asked_by, r.verified_at
from verification r
join dataset_version v using (dataset, version)
where v.run_id = %(run_id)s
order by r.verification_id
