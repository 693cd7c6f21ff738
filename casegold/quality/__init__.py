"""The data quality checks of the gate and its verdict: data and contract in, results out. No I/O: callers pass frames.

Not here: reading staged files, recording holds and waivers, publishing.
"""
