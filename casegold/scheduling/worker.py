"""The worker that needs no orchestrator: runs the ticks and executes their attempts until none may start.

Not here: which attempts are needed (`ticks`, the planner), and how one is launched (`jobs.launch`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from casegold.control.model import Attempt, Pipeline, RunManifest
from casegold.control.runs import manifests
from casegold.domain.errors import CasegoldError, Deferred, ExitClass
from casegold.jobs.ingest_pipelines import DATASETS
from casegold.jobs.launch import launch
from casegold.operations.reconciliation import settle
from casegold.runtime.platform import Platform
from casegold.scheduling.ticks import backfill_requests_tick, day_close_tick, domain_tick, planner_tick, waiting

LAUNCHER = "casegold work"
MAX_ROUNDS = 10_000


@dataclass(frozen=True, slots=True)
class Execution:
    """How one attempt ended."""

    attempt: Attempt
    exit_class: ExitClass
    message: str


@dataclass(frozen=True, slots=True)
class Idle:
    """No attempt can be started now: what was executed until then, and the manifests that wait for a later attempt."""

    executions: tuple[Execution, ...]
    waiting: tuple[RunManifest, ...]


def run_until_idle(platform: Platform, say: Callable[[Execution], None] = lambda _: None) -> Idle:
    """Run ticks and execute attempts until no attempt may start.

    A failed attempt does not end the loop: its manifest is held, failed, or asks for a later attempt.

    Raises:
        CasegoldError: a tick failed: a server does not answer, or a topic was recreated or truncated.
    """
    done: list[Execution] = []
    for _ in range(MAX_ROUNDS):
        attempts = [attempt for dataset in DATASETS for attempt in domain_tick(platform, dataset)]
        day_close_tick(platform)
        backfill_requests_tick(platform)
        attempts += planner_tick(platform)
        attempts += waiting(platform, {Pipeline.ADMISSION})
        if not attempts and not settle(platform, LAUNCHER, stages=False):
            break
        for attempt in dict.fromkeys(attempts):
            done.append(execute(platform, attempt))
            say(done[-1])
    with platform.control.read() as connection:
        return Idle(tuple(done), tuple(manifests.open_manifests(connection)))


def execute(platform: Platform, attempt: Attempt) -> Execution:
    """Execute one attempt; `batch_job` records its exit class, whatever it is."""
    try:
        launch(platform, attempt.run_id, attempt.attempt, LAUNCHER)
    except Deferred as deferred:
        return Execution(attempt, deferred.exit_class, f"deferred: {deferred.message}")
    except CasegoldError as error:
        return Execution(attempt, error.exit_class, str(error))
    return Execution(attempt, ExitClass.SUCCESS, "")
