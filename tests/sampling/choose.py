"""Which cases of the crash matrix a sample runs. Not here: what changed (changes.py), how pytest is told (plugin.py).

A case is one test with its parameters. It makes durable effects fail, each at one or more ends: before or after it, by
a kill or by a lost acknowledgement. Invariant, whatever the seed: every effect, every end and every test function of
the matrix has a case in the sample, and a changed effect has all its cases.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

ENDS = ("before:kill", "after:kill", "after:lost_ack")
"""How an effect may fail."""


def turns(effects: Sequence[str]) -> list[tuple[str, ...]]:
    """Points of as many stories as there are ends: in each of them every effect fails, in all of them at every end."""
    return [
        tuple(f"{effect}.{ENDS[(turn + place) % len(ENDS)]}" for place, effect in enumerate(effects))
        for turn in range(len(ENDS))
    ]


@dataclass(frozen=True, slots=True)
class Case:
    """A test with its parameters."""

    name: str
    function: str
    points: tuple[str, ...] = ()
    """Where it fails: `effect.end`."""

    @property
    def effects(self) -> set[str]:
        return {point.partition(".")[0] for point in self.points}

    @property
    def hits(self) -> set[str]:
        """What has to be hit, and is by this case."""
        return {self.function, *self.effects, *(point.partition(".")[2] for point in self.points)}


def choose(cases: Sequence[Case], seed: int, changed: Collection[str]) -> set[str]:
    """The names of the cases that run.

    Args:
        seed: which of the cases that hit the same are chosen.
        changed: effects of which every case runs.
    """
    chosen = [case for case in cases if not case.effects.isdisjoint(changed)]
    missing = hits(cases) - hits(chosen)
    others = sorted(set(cases) - set(chosen), key=lambda case: case.name)
    random.Random(seed).shuffle(others)
    for case in sorted(others, key=lambda case: -len(case.hits)):  # the sort keeps the order of equals
        if not missing.isdisjoint(case.hits):
            chosen.append(case)
            missing -= case.hits
    return {case.name for case in chosen}


def hits(cases: Iterable[Case]) -> set[str]:
    """Everything that cases hit."""
    return {hit for case in cases for hit in case.hits}
