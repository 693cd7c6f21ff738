select waiver_id from waiver
where dataset = %(dataset)s and approved_at <= coalesce(%(as_of)s::timestamptz, approved_at)
  and partition_from <= %(last)s and partition_to >= %(first)s
order by waiver_id
