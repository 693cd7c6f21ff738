"""An open installation: settings, contracts, products, log and clock, which every entry point needs."""
