"""Compares two versions of a dataset. Not a transform with versions of its own: nothing official depends on it."""
