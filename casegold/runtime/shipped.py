"""Paths of the shipped files that are not Python: contracts, mappings, lock files, Dagster's files.

A checkout has them at its top level, where people edit them. A wheel has them inside the package, as `pyproject.toml`
lists under `force-include`. Not here: their contents.
"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parents[1]
_IN_A_WHEEL = _PACKAGE / "shipped"

REPOSITORY = _IN_A_WHEEL if _IN_A_WHEEL.is_dir() else _PACKAGE.parent
"""The top level of the checkout, or its copy in an installed wheel, which has only the paths below."""

DATASET_CONTRACTS = REPOSITORY / "contracts" / "datasets"
PRODUCTS = _PACKAGE.parent / "products"
"""A package next to `casegold`, both in a checkout and in a wheel."""
EVENT_SCHEMAS = REPOSITORY / "contracts" / "events"
RUN_MANIFEST_SCHEMA = REPOSITORY / "contracts" / "answers" / "RunManifest.v1.json"
MAPPINGS = REPOSITORY / "contracts" / "mappings"
BROKER_LOCK = REPOSITORY / "deploy" / "kafka" / "broker.lock"
INSTANCE_FILE = REPOSITORY / "dagster.yaml"
WORKSPACE_FILE = REPOSITORY / "workspace.yaml"
