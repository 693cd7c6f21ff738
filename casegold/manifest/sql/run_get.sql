select m.run_id, m.pipeline, m.dataset, m.mode, m.state, m.partition_from as first, m.partition_to as last, m.scope,
       m.transform_version, m.parameters, m.requested_by, m.requested_at, m.caused_by, m.ended_at, m.outcome
from run_manifest m
where m.run_id = %(run_id)s
