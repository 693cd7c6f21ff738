"""Days: which business dates are closed, and what the next one waits for.

Invariants: dates close in order, each once, and only after every declared signal is there and silver has read past the
barrier that was set when the last of them came. A closed date stays closed.
"""

TABLES = ("day_barrier", "day_close")
