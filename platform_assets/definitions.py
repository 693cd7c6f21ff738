"""What Dagster loads."""

from __future__ import annotations

from platform_assets.build import build_defs

defs = build_defs()
