select h.hold_id, h.dataset, h.kind, h.partition_from as first, h.partition_to as last, h.opened_at, h.reason, h.run_id,
       h.released_at, h.released_by, h.release_reason
from hold h
where %(all)s or h.released_at is null
order by h.opened_at desc
limit %(limit)s
