"""Which corrections are overruled by corrections of corrections. Pure; the rest of the rules is in `corrections.sql`.

In Python and not in SQL: chains have no bound, a recursive CTE does not port to Spark, and corrections of corrections
are a handful among millions of facts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from enum import StrEnum

EventKey = tuple[str, str]
"""Source and event id."""


class Verdict(StrEnum):
    """Why a correction that applies by itself does not count."""

    RETRACTED = "RETRACTED"
    CYCLE = "CYCLE"
    """Its target is, at the end of the chain, itself: nobody can say which of them came first."""


def overrule(retractions: Mapping[EventKey, EventKey]) -> dict[EventKey, Verdict]:
    """The corrections that do not count.

    Args:
        retractions: applicable retractions whose target is a correction: its key -> the target's key.

    Returns:
        A verdict for each overruled correction. A retraction that is itself retracted, retracts nothing.
    """
    undecided_attackers = Counter(retractions.values())
    ready = [key for key in retractions if key not in undecided_attackers]
    verdicts: dict[EventKey, Verdict] = {}
    cyclic = set(retractions)
    while ready:
        correction = ready.pop()
        cyclic.discard(correction)
        target = retractions[correction]
        if correction not in verdicts:
            verdicts[target] = Verdict.RETRACTED
        undecided_attackers[target] -= 1
        if undecided_attackers[target] == 0 and target in retractions:
            ready.append(target)
    return verdicts | dict.fromkeys(cyclic, Verdict.CYCLE)
