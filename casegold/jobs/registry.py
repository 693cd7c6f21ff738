"""The job of each pipeline. Modules are imported when they are needed: an ingest does not have to load pandera."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from casegold.control.model import Claim, Pipeline, RunManifest
from casegold.jobs.outcome import Outcome
from casegold.runtime.platform import Platform

Job = Callable[[Platform, RunManifest, Claim], Outcome]

MODULES = {
    Pipeline.INGEST: "casegold.jobs.ingest",
    Pipeline.TOTALS: "casegold.jobs.control_totals",
    Pipeline.ADMISSION: "casegold.jobs.admission",
    Pipeline.SNAPSHOT: "casegold.jobs.snapshot",
    Pipeline.REPORT: "casegold.jobs.report",
    Pipeline.REPUBLISH: "casegold.jobs.republish",
    Pipeline.MAINTENANCE: "casegold.jobs.maintenance",
    Pipeline.REPLAY: "casegold.jobs.replay",
    Pipeline.SHADOW: "casegold.jobs.shadow",
    Pipeline.REBUILD: "casegold.jobs.rebuild",
    Pipeline.REPAIR: "casegold.jobs.repair",
}


def job_of(pipeline: Pipeline) -> Job:
    """The `run` function of the pipeline's module."""
    job: Job = import_module(MODULES[pipeline]).run
    return job
