"""The Dagster asset graph. `build` wires it, and Dagster loads `definitions`."""
