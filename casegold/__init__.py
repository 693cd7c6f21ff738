"""casegold: from case events on Kafka to gated, versioned, provable figures in Iceberg.

The product's core. It never imports an orchestrator: Dagster sits on top of it, in `platform_assets`, `sensors` and
`resources`.
"""
