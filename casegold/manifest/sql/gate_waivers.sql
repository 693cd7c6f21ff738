select check_name, partition_from, partition_to from waiver
where waiver_id = any(%(waivers)s::bigint[]) and approved_by is not null
