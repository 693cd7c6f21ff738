"""The two ingests of an installation: what each one reads and writes. Not here: when they run, and what they do."""

from __future__ import annotations

from casegold.control.ingest.commits import IngestPipeline
from casegold.control.model import Pipeline
from casegold.runtime.platform import Platform

EVENTS = "silver/case_events"
TOTALS = "bronze/control_totals"
DATASETS = (EVENTS, TOTALS)

VERSIONS = {EVENTS: "ingest-2", TOTALS: "totals-2"}
"""To be raised by hand when the same offsets would give other rows."""


def pipeline_of(platform: Platform, dataset: str) -> IngestPipeline:
    """What the ingest of a dataset reads. Raises KeyError for a dataset that is not ingested."""
    settings = platform.settings
    pipeline, topic = {
        EVENTS: (Pipeline.INGEST, settings.events_topic),
        TOTALS: (Pipeline.TOTALS, settings.totals_topic),
    }[dataset]
    return IngestPipeline(pipeline, dataset, topic, settings.ingest_run_records, VERSIONS[dataset])
