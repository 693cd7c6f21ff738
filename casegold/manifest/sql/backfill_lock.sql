select partition_from as first, partition_to as last, mode, state, plan, plan_digest
from backfill_hold(%(id)s, false)
