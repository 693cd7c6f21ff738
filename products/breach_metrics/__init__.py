"""The quarter's figures of the breach clock, by case type, jurisdiction and team, as SQL.

What each figure means is in `docs/breach-metrics.md`. Not here: choosing quarters, reading snapshots, publishing.
"""
