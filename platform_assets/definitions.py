"""The definitions that Dagster loads."""

from __future__ import annotations

from casegold.runtime import logs
from platform_assets.build import build_defs

logs.set_up("casegold")  # Dagster configures its own loggers
defs = build_defs()
