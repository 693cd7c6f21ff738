-- Holds of pins that are no more, or of which only a part is left.
update hold h
set released_at = clock_timestamp(), released_by = %(person)s, release_reason = %(reason)s
where h.dataset = %(dataset)s and h.kind = 'PINNED' and h.released_at is null
  and not exists (select from pinned_range r
                  where r.dataset = h.dataset and (r.first, r.last, r.run_id) = (h.partition_from, h.partition_to, h.run_id))
