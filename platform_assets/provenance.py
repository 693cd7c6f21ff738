"""Records the inputs of a partition as Dagster tags; without them, Dagster shows every partition as "unsynced" forever.

Dagster compares the current data version of an input with the one that was used. Facts are append-only, and the planner
decides which dates they change, so an ingest makes no partition look out of date. A partition computed from others
looks out of date after another version of an input materialises, until it is judged again. Not here: any decision.
"""

from collections.abc import Mapping

import dagster as dg
from dagster._core.definitions.data_version import get_input_data_version_tag, get_input_event_pointer_tag

from casegold.domain.contract import DatasetContract, InputMapping
from platform_assets.catalog import asset_key

APPEND_ONLY = dg.DataVersion("append-only")
"""The data version of facts and totals."""

AS_RECORDED = "as recorded"
"""A placeholder for the versions of many partitions; the event pointer distinguishes them."""


def tags_of_inputs(instance: dg.DagsterInstance, contract: DatasetContract) -> Mapping[str, str]:
    """The input tags of a materialisation that is recorded now; by them, Dagster detects newer inputs later."""
    newest = instance.event_log_storage.get_maximum_record_id()
    found = {}
    for ref in contract.inputs:
        key = asset_key(ref.dataset)
        version = APPEND_ONLY.value if ref.mapping is InputMapping.SEQUENCE else AS_RECORDED
        found[get_input_data_version_tag(key)] = version
        found[get_input_event_pointer_tag(key)] = str(newest)
    return found
