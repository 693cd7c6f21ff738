"""Converts a contract's partitions and keys to Dagster's and back. Not here: which of them are due."""

from __future__ import annotations

from datetime import date, timedelta

import dagster as dg

from casegold.control.model import PartitionRange
from casegold.domain.contract import DatasetContract, PartitionedBy

CRON = {
    PartitionedBy.DAY: "0 0 * * *",
    PartitionedBy.MONTH: "0 0 1 * *",
    PartitionedBy.QUARTER: "0 0 1 */3 *",
}
"""When each kind of period begins. A partition key is the first date of its period."""

KEY_FORMAT = "%Y-%m-%d"


def partitions_of(
    contract: DatasetContract, time_zone: str, last_date: date | None = None
) -> dg.TimeWindowPartitionsDefinition:
    """The contract's partitions, from the period that contains its first date. Raises KeyError without partitions.

    Args:
        last_date: only periods that end by this date; None: by the system clock.
    """
    return dg.TimeWindowPartitionsDefinition(
        start=contract.partition_of(contract.first_date).isoformat(),
        end=None if last_date is None else (last_date + timedelta(days=1)).isoformat(),
        fmt=KEY_FORMAT,
        cron_schedule=CRON[contract.partitioned_by],
        timezone=time_zone,
    )


def wanted_range(context: dg.AssetExecutionContext | dg.OpExecutionContext) -> PartitionRange | None:
    """The partition or range that a launch selects; None if it selects none."""
    if not (context.has_partition_key or context.has_partition_key_range):
        return None
    keys = context.partition_key_range
    return PartitionRange(date.fromisoformat(keys.start), date.fromisoformat(keys.end))
