"""Every durable effect in the code has its fail points, and every listed effect is in the code."""

from __future__ import annotations

import ast

import pytest

from casegold.domain import failpoints
from casegold.domain.errors import ConfigurationError
from casegold.domain.failpoints import EFFECTS, AcknowledgementLost, FailPointReached
from tests.backfill.test_admission import ADMISSION
from tests.backfill.test_asked_on_kafka import HEARD
from tests.backfill.test_replay import REPLAY_EFFECTS
from tests.backfill.test_shadow import SHADOW_EFFECTS
from tests.crash.test_by_hand import COMMANDS, STEPS
from tests.crash.test_fail_points import EFFECTS_HERE
from tests.mending.test_crashes import REBUILD_EFFECTS, REPAIR_EFFECTS
from tests.operations.test_backup import RESTORE_EFFECTS
from tests.sampling.code import called, effect_names, modules
from tests.sink.test_added_columns import COLUMN_EFFECTS
from tests.verification.test_verify import VERIFICATION_EFFECTS

NOT_RELIED_ON = {
    # The sender itself; and loads of made-up or imported events, which are sent again as a whole: duplicates of facts.
    "casegold/source/producer.py",
    "casegold/source/loading.py",
    "casegold/servers/demo.py",
    "casegold/reference/settings_page.py",
    # It flushes a file.
    "casegold/runtime/addresses.py",
}
ICEBERG_COMMITS = {"transaction", "create_table_transaction", "commit", "write_file", "new_output", "delete"}
"""Calls of PyIceberg that make something durable."""
ICEBERG_MODULES = ("casegold/sink/",)


def test_names_in_the_code_and_names_in_the_list_are_the_same() -> None:
    used = {name for _, tree in modules() for name in effect_names(tree)}
    by_prefix = {name.rstrip("*") for name in used if name.endswith("*")}
    exact = {name for name in used if not name.endswith("*")}
    assert exact <= EFFECTS.keys()
    unused = {name for name in EFFECTS.keys() - exact if not name.startswith(tuple(by_prefix))}
    assert unused == set()


def test_every_effect_has_a_story_in_which_it_fails() -> None:
    told = {
        *EFFECTS_HERE,
        *COMMANDS,
        *STEPS,
        *ADMISSION,
        *REPLAY_EFFECTS,
        *SHADOW_EFFECTS,
        *VERIFICATION_EFFECTS,
        *REBUILD_EFFECTS,
        *REPAIR_EFFECTS,
        *HEARD,
        *RESTORE_EFFECTS,
        *COLUMN_EFFECTS,
    }
    assert told == EFFECTS.keys()


def inside_effects(function: ast.AST) -> set[int]:
    """Ids of the nodes that a `with durable(...)` of this function surrounds, its other context managers included."""
    covered: set[int] = set()
    for node in ast.walk(function):
        if isinstance(node, ast.With) and any(called(item.context_expr) == "durable" for item in node.items):
            covered |= {id(each) for each in ast.walk(node)}
    return covered


def test_nothing_is_committed_to_iceberg_outside_of_an_effect() -> None:
    bare = []
    for path, tree in modules():
        if not path.startswith(ICEBERG_MODULES):
            continue
        covered = inside_effects(tree)
        bare += [
            f"{path}:{node.lineno} {called(node)}"
            for node in ast.walk(tree)
            if isinstance(node, ast.Call) and called(node) in ICEBERG_COMMITS and id(node) not in covered
        ]
    assert bare == []


def test_nothing_is_sent_to_kafka_outside_of_an_effect() -> None:
    """Whoever makes a producer flushes it within an effect, and whoever makes a sender, which flushes as it is left."""
    bare = []
    for path, tree in modules():
        if path in NOT_RELIED_ON or path.startswith(("casegold/cli/", "casegold/servers/")):
            continue
        covered = inside_effects(tree)
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
        flushed = any(called(node) == "flush" and id(node) in covered for node in calls)
        outside = {"flush"} if flushed else {"flush", "RecordSender"}
        bare += [f"{path}:{node.lineno}" for node in calls if called(node) in outside and id(node) not in covered]
    assert bare == []


def test_postgres_is_written_by_named_transactions_only() -> None:
    """One place connects, but for the servers' own set-up; what is only read, Postgres keeps from being written."""
    connecting = {
        path
        for path, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr == "connect" and ast.unparse(node.value) == "psycopg"
    }
    services = {path for path in connecting if path.startswith("casegold/servers/")}
    assert connecting - services == {"casegold/control/db.py"}


def test_only_an_armed_point_fails_and_only_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failpoints, "_armed", None)
    failpoints.reach("plan.before")
    failpoints.arm("plan.after:lost_ack@2")
    with failpoints.durable("plan"), failpoints.durable("install"):
        pass
    with pytest.raises(AcknowledgementLost), failpoints.durable("plan"):
        pass
    failpoints.reach("plan.after")
    failpoints.arm("plan.before:raise")
    with pytest.raises(FailPointReached), failpoints.durable("plan"):
        raise AssertionError("not reached")


@pytest.mark.parametrize(
    "spec", ["plan:kill", "plan.before", "plan.before:die", "plan.before:lost_ack", "x.after:kill"]
)
def test_what_names_no_fail_point_is_refused(spec: str) -> None:
    with pytest.raises(ConfigurationError):
        failpoints.arm(spec)
