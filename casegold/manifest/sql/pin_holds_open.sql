insert into hold (dataset, partition_from, partition_to, kind, fingerprint, run_id, reason)
select r.dataset, r.first, r.last, 'PINNED', '', r.run_id, r.reason
from pinned_range r
where r.dataset = %(dataset)s
on conflict (dataset, kind, partition_from, partition_to) where released_at is null do nothing
