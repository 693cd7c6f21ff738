"""Days: which business dates are closed, and what the next one waits for.

Invariants: dates close in order, each once, and only after every declared signal has arrived and silver has reached the
barrier, which is read after the last signal. A closed date stays closed.
"""

TABLES = ("day_barrier", "day_close")
