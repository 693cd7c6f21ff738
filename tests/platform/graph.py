"""The whole graph as plain data, for the reviewed snapshot beside this file.

    python -m tests.platform.graph

writes it anew; the difference belongs in the review.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import dagster as dg

from casegold.runtime.settings import Settings
from platform_assets.build import build_defs

SNAPSHOT = Path(__file__).with_name("graph.json")


def graph(defs: dg.Definitions) -> dict[str, Any]:
    """Every asset, check, job, schedule and sensor with what a reader of a review wants to see of it."""
    repository = defs.get_repository_def()
    assets = repository.asset_graph
    return {
        "assets": {key.to_user_string(): _asset(assets, key) for key in sorted(assets.get_all_asset_keys())},
        "jobs": {job.name: _job(job) for job in sorted(repository.get_all_jobs(), key=lambda job: job.name)},
        "schedules": {
            each.name: {"cron": each.cron_schedule, "job": each.job_name, "status": each.default_status.value}
            for each in sorted(repository.schedule_defs, key=lambda each: each.name)
        },
        "sensors": {each.name: _sensor(each) for each in sorted(repository.sensor_defs, key=lambda each: each.name)},
    }


def _asset(assets: Any, key: dg.AssetKey) -> dict[str, Any]:
    node = assets.get(key)
    return {
        "group": node.group_name,
        "kinds": sorted(node.kinds),
        "owners": sorted(node.owners),
        "tags": sorted(tag for tag in node.tags if not tag.startswith("dagster/")),
        "deps": sorted(parent.to_user_string() for parent in node.parent_keys),
        "partitions": None if node.partitions_def is None else str(node.partitions_def),
        "versioned": node.code_version is not None,
        "materializable": node.is_materializable,
        "checks": {
            check.name: ("partitions" if assets.get(check).partitions_def is not None else "whole")
            + (", blocking" if assets.get(check).blocking else "")
            for check in sorted(node.check_keys, key=lambda check: check.name)
        },
    }


def _job(job: dg.JobDefinition) -> dict[str, Any]:
    return {
        "steps": sorted(node.name for node in job.nodes),
        "executor": job.executor_def.name,
        "tags": dict(sorted(job.run_tags.items())) if job.run_tags else dict(sorted(job.tags.items())),
    }


def _sensor(sensor: dg.SensorDefinition) -> dict[str, Any]:
    return {
        "seconds": sensor.minimum_interval_seconds,
        "status": sensor.default_status.value,
        "targets": sorted(target.job_name for target in sensor.targets),
    }


def text(found: dict[str, Any]) -> str:
    return json.dumps(found, indent=2, sort_keys=True) + "\n"


if __name__ == "__main__":
    SNAPSHOT.write_text(text(graph(build_defs(Settings()))), encoding="utf-8")
