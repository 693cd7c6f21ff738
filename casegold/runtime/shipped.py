"""Where the files are that come with the program and are no Python: contracts, mappings, locks, Dagster's files.

A checkout has them at its top level, where people edit them; a wheel carries them inside the package, as
`pyproject.toml` lists under `force-include`. Not here: what is in them.
"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parents[1]
_IN_A_WHEEL = _PACKAGE / "shipped"

REPOSITORY = _IN_A_WHEEL if _IN_A_WHEEL.is_dir() else _PACKAGE.parent
"""The top level of the checkout, or its image in an installed wheel, which has no more than what is named here."""

DATASET_CONTRACTS = REPOSITORY / "contracts" / "datasets"
PRODUCTS = _PACKAGE.parent / "products"
"""A package beside this one, in a checkout as in a wheel."""
EVENT_SCHEMAS = REPOSITORY / "contracts" / "events"
RUN_MANIFEST_SCHEMA = REPOSITORY / "contracts" / "answers" / "RunManifest.v1.json"
MAPPINGS = REPOSITORY / "contracts" / "mappings"
BROKER_LOCK = REPOSITORY / "deploy" / "kafka" / "broker.lock"
INSTANCE_FILE = REPOSITORY / "dagster.yaml"
WORKSPACE_FILE = REPOSITORY / "workspace.yaml"
