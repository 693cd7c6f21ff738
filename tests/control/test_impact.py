"""Impact queries, compared with a plain walk over the recorded inputs."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import Rollback

from casegold.control.db import Connection, ControlDb
from casegold.control.versions import impact
from casegold.control.versions.impact import Affected, KnownFact
from casegold.domain.errors import ConfigurationError

FIRST = date(2026, 1, 1)
SNAPSHOT, METRICS, REPORT = "gold/case_daily_snapshot", "gold/metrics", "reports/enforcement_report"
SILVER = "silver/case_events"
Place = tuple[str, date, int]


def add_version(connection: Connection, dataset: str, version: int, keys: list[date], previous: int | None) -> None:
    run_id = f"{dataset[:1].encode().hex()}{len(dataset):02x}{version:060x}"
    connection.execute(
        "insert into run_manifest (run_id, pipeline, dataset, scope, transform_version, requested_by, state, ended_at,"
        " partition_from, partition_to) values (%s, 'snapshot', %s, jsonb_build_object('previous_version', %s::bigint),"
        " '1', 'test', 'SUCCEEDED', now(), %s, %s)",
        (run_id, dataset, previous, min(keys), max(keys)),
    )
    connection.execute(
        "insert into run_attempt (run_id, attempt, requested_by, state, ended_at, exit_class)"
        " values (%s, 1, 'test', 'SUCCEEDED', now(), 0)",
        (run_id,),
    )
    connection.execute(
        "insert into dataset_version (dataset, version, state, run_id, attempt, token, base_snapshot_id, staged_branch,"
        " staged_snapshot_id, snapshot_id, quality_status, publication, transform_version, contract_version, seen,"
        " completed_at) values (%s, %s, 'COMPLETED', %s, 1, gen_random_uuid(), 1, 'b', 1, 1, 'PASSED', 'OFFICIAL',"
        " %s, '1', '{}', now())",
        (dataset, version, run_id, str(version % 2)),
    )
    for key in keys:
        connection.execute(
            "insert into version_partition (dataset, version, partition_key, row_count, digest_high, digest_low)"
            " values (%s, %s, %s, 0, 0, 0)",
            (dataset, version, key),
        )
        connection.execute(
            "insert into partition_state (dataset, partition_key, current_version, row_count, digest_high, digest_low,"
            " seen_transform, seen_contract, last_run_id) values (%s, %s, %s, 0, 0, 0, '1', '1', %s)"
            " on conflict (dataset, partition_key) do update set current_version = excluded.current_version",
            (dataset, key, version, run_id),
        )


def add_input(connection: Connection, of: Place, made_from: Place) -> None:
    connection.execute(
        "insert into version_input (dataset, version, partition_key, input_dataset, input_partition, input_version)"
        " values (%s, %s, %s, %s, %s, %s)",
        (of[0], of[2], of[1], *made_from),
    )


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[tuple[int, int, int]], list[tuple[str, list[int]]]]:
    """Snapshot versions (first day, last day, sequence), and products with the days that each was computed from."""
    days = st.integers(0, 7)
    ranges = [
        (min(a, b), max(a, b), seq)
        for seq, (a, b) in enumerate(draw(st.lists(st.tuples(days, days), min_size=1, max_size=5)), start=1)
    ]
    published = sorted({day for first, last, _ in ranges for day in range(first, last + 1)})
    some_days = st.lists(st.sampled_from(published), min_size=1, max_size=4, unique=True)
    products = draw(st.lists(st.tuples(st.sampled_from([METRICS, REPORT]), some_days), max_size=3))
    return ranges, products


def closure(seeds: set[Place], edges: list[tuple[Place, Place]]) -> set[Place]:
    reached = set(seeds)
    while more := {to for of, to in edges if of in reached} - reached:
        reached |= more
    return reached


def counts(places: set[Place]) -> Counter[tuple[str, int]]:
    return Counter((dataset, version) for dataset, _, version in places)


def counted(found: list[Affected]) -> Counter[tuple[str, int]]:
    return Counter({(each.dataset, each.version): each.partitions for each in found})


@given(history=histories(), seed=st.integers(1, 5))
def test_impact_is_the_closure_of_recorded_inputs(
    control: ControlDb, history: tuple[list[tuple[int, int, int]], list[tuple[str, list[int]]]], seed: int
) -> None:
    ranges, products = history
    seed = (seed - 1) % len(ranges) + 1
    with control.write("by a test") as connection, connection.transaction():
        edges: list[tuple[Place, Place]] = []
        current: dict[date, int] = {}
        for version, (first, last, seq) in enumerate(ranges, start=1):
            keys = [FIRST + timedelta(days=day) for day in range(first, last + 1)]
            previous = current.get(keys[0] - timedelta(days=1))
            add_version(connection, SNAPSHOT, version, keys, previous)
            for key in keys:
                add_input(connection, (SNAPSHOT, key, version), (SILVER, key, seq))
                if previous is not None:
                    edges.append(((SNAPSHOT, keys[0] - timedelta(days=1), previous), (SNAPSHOT, key, version)))
                current[key] = version
        numbers: dict[str, int] = {}
        for dataset, days in products:
            numbers[dataset] = version = numbers.get(dataset, 0) + 1
            key = FIRST.replace(day=1)
            add_version(connection, dataset, version, [key], None)
            for day in days:
                made_from = (SNAPSHOT, FIRST + timedelta(days=day), current[FIRST + timedelta(days=day)])
                add_input(connection, (dataset, key, version), made_from)
                edges.append((made_from, (dataset, key, version)))
        places = {
            version: {(SNAPSHOT, FIRST + timedelta(days=day), version) for day in range(first, last + 1)}
            for version, (first, last, _) in enumerate(ranges, start=1)
        }
        odd = set().union(*(found for version, found in places.items() if version % 2))
        assert counted(impact.of_transform(connection, "1", [SNAPSHOT])) == counts(closure(odd, edges))
        reached = closure(places[seed], edges)
        found = impact.of_version(connection, SNAPSHOT, seed)
        assert counted(found) == counts(reached)
        official = sum(each.current for each in found if each.dataset == SNAPSHOT)
        assert official == sum(current.get(key) == version for dataset, key, version in reached if dataset == SNAPSHOT)
        raise Rollback


def test_a_fact_reaches_what_was_computed_when_it_counted(control: ControlDb) -> None:
    days = [FIRST + timedelta(days=day) for day in range(4)]
    with control.write("by a test") as connection:
        for version, seq in ((1, 3), (2, 5)):
            add_version(connection, SNAPSHOT, version, days, None)
            for day in days:
                add_input(connection, (SNAPSHOT, day, version), (SILVER, day, seq))
        add_version(connection, REPORT, 1, [FIRST], None)
        add_input(connection, (REPORT, FIRST, 1), (SNAPSHOT, days[3], 2))
        connection.execute(
            "insert into ingest_commit (dataset, seq, kind, run_id)"
            " select 'silver/case_events', n, 'INGEST', (select min(run_id) from run_manifest)"
            " from generate_series(1, 5) n"
        )
        fact = KnownFact("s", "late", days[2], 4)
        found = impact.of_fact(connection, fact)
        assert [(each.dataset, each.version, each.range.first) for each in found] == [
            (SNAPSHOT, 2, days[2]),
            (REPORT, 1, FIRST),
        ]
        connection.execute(
            "insert into fact_admission (source, event_id, event_type, case_id, dirty_from, ingest_seq, held_because)"
            " values ('s', 'late', 'CaseClosed', 'c', %s, 4, 'too late')",
            (days[2],),
        )
        assert impact.of_fact(connection, fact) == [], "held: outside every official figure"


def test_a_transform_and_a_file_reach_what_they_made(control: ControlDb) -> None:
    with control.write("by a test") as connection:
        add_version(connection, SNAPSHOT, 1, [FIRST], None)
        add_version(connection, SNAPSHOT, 2, [FIRST], None)
        connection.execute(
            "insert into version_file (dataset, version, partition_key, file_path, record_count, file_bytes,"
            " digest_high, digest_low, hash_from, hash_to) values (%s, 2, %s, 'file:///a', 1, 1, 0, 0, 0, 1)",
            (SNAPSHOT, FIRST),
        )
        assert [each.version for each in impact.of_transform(connection, "1", [SNAPSHOT])] == [1]
        (replaced,) = impact.of_transform(connection, "1", [SNAPSHOT])
        assert (replaced.current, replaced.current_range) == (0, None)
        assert [each.version for each in impact.of_file(connection, "file:///a")] == [2]
        with pytest.raises(ConfigurationError, match="nothing was published with file:///b"):
            impact.of_file(connection, "file:///b")
        assert impact.to_restate(impact.of_file(connection, "file:///a"), [SNAPSHOT])[0][1].first == FIRST
