update hold
set released_at = clock_timestamp(), released_by = 'casegold', release_reason = 'judged again in run ' || %(run_id)s
where dataset = %(dataset)s and kind = 'GATE' and released_at is null
  and partition_from between %(first)s and %(last)s
  and (partition_from, partition_to) is distinct from (%(held_first)s::date, %(held_last)s::date)
