"""casegold: from case events on Kafka to gated, versioned, provable figures in Iceberg.

The product's core. It never imports an orchestrator: Dagster sits on top of it, in `platform_assets`, `sensors` and
`resources`.
"""

import os

# pandera sets this to 1 wherever pandas is installed (pandera/external_config.py), and pyarrow then drops the offset of
# every Python datetime that it converts: 00:00+01:00 would become 00:00 UTC. Empty means no, to both of them.
os.environ["PYARROW_IGNORE_TIMEZONE"] = ""
