"""Any steps by anybody in any order: the database allows what a model of the rules in plain Python allows, no more."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from casegold.control.changes import approvals
from casegold.control.db import ControlDb
from casegold.control.model import PartitionRange
from casegold.domain.errors import Refused
from tests.approvals.conftest import (
    OFFICER,
    OPERATOR,
    PLAN,
    READER,
    SNAPSHOT,
    STEWARD,
    People,
    any_value,
    execute,
    login_of,
    steps,
)

PERSONS = {
    "ann": ("ann", {0}),
    "ann_steward": ("ann", {1}),
    "bob": ("bob", {1}),
    "bob_officer": ("bob", {2}),
    "cleo": ("cleo", {2}),
    "dan": ("dan", {0, 1}),
    "rita": ("rita", set[int]()),
}
"""Login -> person, and the levels that its roles give. The platform is nobody."""
ROLE = {0: OPERATOR, 1: STEWARD, 2: OFFICER}
BY_PERSON = ("plan", "approve", "approve another", "reject", "cancel", "pause", "resume")
MOVES = {
    "reject": ({1, 2}, {"REQUESTED", "PLANNED"}, "REJECTED"),
    "cancel": ({0, 1, 2}, {"REQUESTED", "PLANNED", "APPROVED", "EXECUTING", "PAUSED"}, "CANCELLED"),
    "pause": ({0, 1, 2}, {"EXECUTING"}, "PAUSED"),
    "resume": ({0, 1, 2}, {"PAUSED"}, "EXECUTING"),
}
OWN = {"begin": ({"APPROVED"}, "EXECUTING"), "end": ({"EXECUTING"}, "COMPLETED")}
STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from([*PERSONS, "platform"]), st.sampled_from(BY_PERSON)),
        st.tuples(st.just("platform"), st.sampled_from(["begin", "end"])),
        # What leads far, more often than chance would have it.
        st.sampled_from([("dan", "plan"), ("bob", "approve"), ("cleo", "approve"), ("platform", "begin")]),
    ),
    max_size=14,
)


@dataclass
class Model:
    """The rules again, in as few words as possible."""

    levels: set[int]
    state: str = "REQUESTED"
    authors: set[str] = field(default_factory=lambda: {"ann"})
    approved: dict[int, str] = field(default_factory=dict)

    def allows(self, actor: str, step: str) -> bool:
        if step in OWN:
            return self._goes(*OWN[step])
        if actor == "platform":
            return False
        person, rights = PERSONS[actor]
        if step == "plan":
            if not (0 in rights and self._goes({"REQUESTED"}, "PLANNED")):
                return False
            self.authors.add(person)
            return True
        if step in MOVES:
            needed, before, after = MOVES[step]
            return bool(needed & rights) and self._goes(before, after)
        return step == "approve" and self._approve(person, rights)

    def _approve(self, person: str, rights: set[int]) -> bool:
        can_give = sorted((self.levels - self.approved.keys()) & rights)
        if self.state != "PLANNED" or not can_give or person in self.authors | set(self.approved.values()):
            return False
        self.approved[can_give[0]] = person
        if self.approved.keys() == self.levels:
            self.state = "APPROVED"
        return True

    def _goes(self, before: set[str], after: str) -> bool:
        if self.state not in before:
            return False
        self.state = after
        return True


def does(person: ControlDb, step: str, wanted: str, digest: str) -> Callable[[], object]:
    return {
        "plan": lambda: approvals.submit(person, wanted, PLAN),
        "approve": lambda: approvals.approve(person, wanted, digest),
        "approve another": lambda: approvals.approve(person, wanted, "0" * 64),
        "reject": lambda: approvals.reject(person, wanted, "why"),
        "cancel": lambda: approvals.cancel(person, wanted, "why"),
        "pause": lambda: approvals.pause(person, wanted, "why"),
        "resume": lambda: approvals.resume(person, wanted, "why"),
        "begin": lambda: approvals.begin(person, wanted, digest),
        "end": lambda: approvals.end(person, wanted, succeeded=True, reason="done"),
    }[step]


@pytest.fixture
def actors(control: ControlDb, owner: ControlDb, folk: People) -> dict[str, ControlDb]:
    made = {"platform": control}
    for name, (person, levels) in PERSONS.items():
        first, *more = [ROLE[level] for level in sorted(levels)] or [READER]
        made[name] = folk.add(name, first, person)
        execute(owner, f"grant casegold_people to {login_of(made[name])}")
        for role in more:
            execute(owner, f"grant {role} to {login_of(made[name])}")
    return made


@settings(max_examples=40)
@given(taken=STEPS, two_levels=st.booleans())
def test_what_is_allowed_is_what_the_rules_say(
    owner: ControlDb, control: ControlDb, actors: dict[str, ControlDb], taken: list[tuple[str, str]], two_levels: bool
) -> None:
    made = any_value(control, "select count(*) from backfill_request")
    day = date(2000, 1, 1) + timedelta(days=made)
    execute(owner, "alter table approval_rule drop constraint if exists approval_rule_above_partitions_check")
    execute(owner, "update approval_rule set above_partitions = %s where level = 2", (-1 if two_levels else 0,))
    wanted = approvals.request(actors["ann"], SNAPSHOT, PartitionRange(day, day), "BACKFILL", "why").subject
    digest = any_value(
        control, "select encode(sha256(convert_to(%(plan)s::jsonb::text, 'UTF8')), 'hex')", {"plan": json.dumps(PLAN)}
    )
    model = Model({1, 2} if two_levels else {1})
    refused = 0
    for actor, step in taken:
        expected = model.allows(actor, step)
        try:
            does(actors[actor], step, wanted, digest)()
            allowed = True
        except Refused:
            allowed = False
            refused += 1
        assert allowed == expected, (actor, step)
        assert approvals.find(control, wanted).state == model.state
    assert steps(control, wanted).count("REFUSED") == refused
    if model.state in {"APPROVED", "EXECUTING", "PAUSED", "COMPLETED"}:
        assert len({*model.approved.values()} | model.authors) >= 1 + len(model.levels)
