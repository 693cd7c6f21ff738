select waiver_id, dataset, partition_from as first, partition_to as last, check_name, reason, requested_by, requested_person,
       requested_at, approved_by, approved_person, approved_at
from casegold.waiver
order by waiver_id desc
limit %(limit)s
