select waiver_id from waiver
where dataset = %(dataset)s and approved_by is not null
  and partition_from <= %(last)s and partition_to >= %(first)s
order by waiver_id
