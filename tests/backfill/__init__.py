"""Backfills from the plan to the published figures, and held facts."""
