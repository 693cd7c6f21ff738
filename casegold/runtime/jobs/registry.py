"""Which job runs a pipeline. Jobs are imported when they are asked for: an ingest does not pay for pandera."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from casegold.manifest.model import Claim, Pipeline, RunManifest
from casegold.runtime.outcome import Outcome
from casegold.runtime.platform import Platform

Job = Callable[[Platform, RunManifest, Claim], Outcome]

MODULES = {
    Pipeline.INGEST: "casegold.runtime.jobs.ingest",
    Pipeline.TOTALS: "casegold.runtime.jobs.control_totals",
    Pipeline.ADMISSION: "casegold.runtime.jobs.admission",
    Pipeline.SNAPSHOT: "casegold.runtime.jobs.snapshot",
    Pipeline.REPORT: "casegold.runtime.jobs.report",
    Pipeline.REPUBLISH: "casegold.runtime.jobs.republish",
    Pipeline.MAINTENANCE: "casegold.runtime.jobs.maintenance",
    Pipeline.REPLAY: "casegold.runtime.jobs.replay",
    Pipeline.SHADOW: "casegold.runtime.jobs.shadow",
    Pipeline.REBUILD: "casegold.runtime.jobs.rebuild",
    Pipeline.REPAIR: "casegold.runtime.jobs.repair",
}


def job_of(pipeline: Pipeline) -> Job:
    """The `run` function of the pipeline's module."""
    job: Job = import_module(MODULES[pipeline]).run
    return job
