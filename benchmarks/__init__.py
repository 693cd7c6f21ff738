"""Benchmarks: the main work of the platform compared with the simplest programs for parts of it. Tests use no times."""
