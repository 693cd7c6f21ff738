"""What a partition was made of, in Dagster's words: without it every partition is shown as "unsynced" for ever.

Dagster compares the data version of an input now with the one that was used. Facts are only ever added, and which dates
they change is the planner's word, so an ingest makes no partition look out of date. A partition made from others does,
from the materialisation of another version of one of them until it is judged again. Not here: any decision.
"""

from collections.abc import Mapping

import dagster as dg
from dagster._core.definitions.data_version import get_input_data_version_tag, get_input_event_pointer_tag

from casegold.domain.contract import DatasetContract, InputMapping
from platform_assets.catalog import asset_key

APPEND_ONLY = dg.DataVersion("append-only")
"""The data version of facts and totals."""

AS_RECORDED = "as recorded"
"""Stands for the versions of many partitions; the event pointer tells them apart."""


def tags_of_inputs(instance: dg.DagsterInstance, contract: DatasetContract) -> Mapping[str, str]:
    """The tags of a materialisation that is recorded now, by which Dagster knows newer ones of its inputs."""
    newest = instance.event_log_storage.get_maximum_record_id()
    found = {}
    for ref in contract.inputs:
        key = asset_key(ref.dataset)
        version = APPEND_ONLY.value if ref.mapping is InputMapping.SEQUENCE else AS_RECORDED
        found[get_input_data_version_tag(key)] = version
        found[get_input_event_pointer_tag(key)] = str(newest)
    return found
