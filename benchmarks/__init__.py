"""Measures of the main job beside the simplest programs that could do parts of it. No test depends on a time."""
