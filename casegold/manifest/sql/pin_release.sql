update partition_state
set pinned = false, released = true, updated_at = clock_timestamp()
where dataset = %(dataset)s and pinned and (%(partition)s::date is null or partition_key = %(partition)s)
returning partition_key
