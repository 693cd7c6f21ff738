"""An opened installation: its settings, contracts, log and clock, and the parts that every entry point needs."""
