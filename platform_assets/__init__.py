"""The asset graph as Dagster sees it. `build` wires it, `definitions` is what Dagster loads."""
