"""`make test` hits every effect at every turn, and drops nothing for good; `make test-all` drops nothing at all."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys

import pytest

from casegold.domain.failpoints import EFFECTS, Kind
from tests.sampling.changes import EVERYTHING, changed_queries, effects_of
from tests.sampling.choose import ENDS, Case, choose, hits
from tests.sampling.code import REPOSITORY

SEEDS = range(100)


@pytest.fixture(scope="module")
def collected() -> list[dict[str, object]]:
    """Every test that `make test-all` runs."""
    collecting = [sys.executable, "-m", "tests.sampling.collected"]
    done = subprocess.run(collecting, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    tests: list[dict[str, object]] = json.loads(done.stdout.splitlines()[-1])
    return tests


def function_of(name: object) -> str:
    return str(name).partition("[")[0]


@pytest.fixture(scope="module")
def matrix(collected: list[dict[str, object]]) -> list[Case]:
    """The cases that a sample is taken of."""
    return [
        Case(str(test["name"]), function_of(test["name"]), tuple(test["points"]))
        for test in collected
        if isinstance(test["points"], list)
    ]


def recipe(verb: str) -> list[str]:
    """The words of the command that runs the tests."""
    plain = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "BASE", "SEED")}
    done = subprocess.run(["make", "-n", verb], cwd=REPOSITORY, env=plain, capture_output=True, text=True, check=True)
    lines = done.stdout
    (command,) = (line for line in lines.splitlines() if "pytest" in line)
    return command.split()


def test_everything_is_every_test_function_that_is_written(collected: list[dict[str, object]]) -> None:
    written = {
        f"{path.relative_to(REPOSITORY)}::{node.name}"
        for path in (REPOSITORY / "tests").rglob("test_*.py")
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }
    assert {function_of(test["name"]) for test in collected} == written


def test_only_make_test_chooses() -> None:
    everything = recipe("test-all")
    sample = recipe("test")
    assert [word for word in sample if word not in everything] == ["--sample=commit", "--sample-base="]
    choosing = ("-k", "-m", "--deselect", "--ignore", "--sample", "tests", "--maxfail", "-x", "--lf")
    assert not [word for word in everything[everything.index("-n") :] if word.startswith(choosing) and word != "-n"]


@pytest.mark.parametrize("seed", SEEDS)
def test_every_sample_hits_every_effect_end_and_function(matrix: list[Case], seed: int) -> None:
    chosen = choose(matrix, seed, ())
    found = hits(case for case in matrix if case.name in chosen)
    assert found >= {*EFFECTS, *ENDS, *(case.function for case in matrix)}
    assert choose(matrix[::-1], seed, ()) == chosen, "the seed alone decides"


def test_every_case_has_its_turn(matrix: list[Case]) -> None:
    assert set().union(*(choose(matrix, seed, ()) for seed in SEEDS)) == {case.name for case in matrix}


def test_a_sample_is_a_fraction_of_the_matrix(matrix: list[Case]) -> None:
    assert all(len(choose(matrix, seed, ())) < len(matrix) / 2 for seed in SEEDS)


@pytest.mark.parametrize("effect", EFFECTS)
def test_a_changed_effect_has_all_its_cases(matrix: list[Case], effect: str) -> None:
    its_own = {case.name for case in matrix if effect in case.effects}
    points = {point for case in matrix for point in case.points if point.startswith(f"{effect}.")}
    ends = ENDS if effect != "run-request" else ENDS[:2]
    assert points == {f"{effect}.{end}" for end in ends}, "what a changed effect is due"
    for seed in SEEDS[:5]:
        assert its_own <= choose(matrix, seed, {effect})


def test_ends_that_no_matrix_has_are_in_tests_that_always_run(collected: list[dict[str, object]]) -> None:
    always = {
        str(test["name"]).partition("::")[0] for test in collected if test["points"] is None and test["long"] is None
    }
    texts = [(REPOSITORY / path).read_text(encoding="utf-8") for path in always]
    kinds = {kind for kind in Kind if any(f":{kind}" in text for text in texts)}
    assert kinds | {end.partition(":")[2] for end in ENDS} == set(Kind)


@pytest.mark.parametrize(
    "real", ["tests/crash/test_daemon.py", "tests/servers/test_local.py", "tests/crash/test_random_kills.py"]
)
def test_a_real_daemon_and_real_servers_always_die(collected: list[dict[str, object]], real: str) -> None:
    assert [test for test in collected if str(test["name"]).startswith(real) and test["long"] is None]


def test_what_long_tests_wait_for_is_there(collected: list[dict[str, object]]) -> None:
    paths = {path for test in collected if isinstance(test["long"], list) for path in test["long"]}
    assert paths, "some are marked"
    assert all((REPOSITORY / path).exists() for path in paths)


@pytest.mark.parametrize(
    ("file", "effects"),
    [
        ("casegold/sink/publish.py", {"publish-commit"}),
        ("casegold/sink/lake.py", {"append-silver/case_events", "table-create", "head-move"}),
        ("sensors/launches.py", {"run-request"}),
    ],
)
def test_a_changed_file_changes_the_effects_that_it_is_about(file: str, effects: set[str]) -> None:
    found = effects_of([file])
    assert effects <= found
    assert found < EFFECTS.keys()


def test_a_changed_query_changes_the_effects_of_those_who_ask_it() -> None:
    found = effects_of([], {"version_prepare"})
    assert "version-prepare" in found
    assert found < EFFECTS.keys()


def test_the_queries_that_changed_are_told_one_by_one() -> None:
    first = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"  # Git's empty tree: every query is new
    found = changed_queries(first, ["casegold/control/versions/queries.sql"])
    assert "version_prepare" in found
    assert changed_queries("HEAD", ["casegold/sink/publish.py"]) == set()


@pytest.mark.parametrize("file", EVERYTHING)
def test_what_everything_goes_through_changes_everything(file: str) -> None:
    assert (REPOSITORY / file).exists()
    assert effects_of([file]) == EFFECTS.keys()


def test_documentation_changes_no_effect() -> None:
    assert effects_of(["README.md", "docs/settings.md"]) == set()
