"""Official figures are made again and come out the same; whatever is tampered with is found, and nothing is written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from urllib.parse import unquote, urlparse

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from psycopg import sql

from casegold.control.db import ControlDb
from casegold.control.integrity.verifications import Found
from casegold.control.model import PartitionRange
from casegold.domain.calendar import days
from casegold.domain.errors import ConfigurationError
from casegold.jobs import verification
from casegold.runtime.settings import Settings
from casegold.scheduling.manual import Settled, manual
from casegold.transform import version
from tests.conftest import own_database, own_topics
from tests.crash.restarts import one_command
from tests.e2e.installation import REPORT, SNAPSHOT, Installation
from tests.history.story import FIRST, LAST, MONTH, OVERRIDES, SINCE, tell

NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)
VERIFICATION_EFFECTS = ("verification-record",)
UNTOUCHED = (
    "dataset_version",
    "version_partition",
    "version_file",
    "version_input",
    "version_artifact",
    "partition_state",
    "run_manifest",
    "run_attempt",
    "dataset_claim",
    "quality_result",
    "hold",
    "outbox",
)


@pytest.fixture(scope="module")
def installation(servers: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Told once: each test leaves it as it found it."""
    home = tmp_path_factory.mktemp("told") / "home"
    with pytest.MonkeyPatch.context() as patch, own_database(servers, home, patch, OVERRIDES) as own, own_topics(own):
        yield tell(own)


def outcomes(installation: Installation, dataset: str) -> dict[object, Found]:
    platform = installation.platform
    keys = verification.official(platform, dataset)
    return {found.partition: found.outcome for found in verification.verify(platform, dataset, keys, "a test")}


def execute(owner: ControlDb, statement: sql.Composed, parameters: Mapping[str, object]) -> None:
    with owner.write("by a test") as connection:
        connection.execute("set session_replication_role = replica")
        assert connection.execute(statement, parameters).rowcount == 1


def world(installation: Installation) -> tuple[object, ...]:
    """Everything that a run may write: ledgers, files, Iceberg's metadata."""
    control, home = installation.platform.control, installation.platform.settings.home
    files = {(path, path.stat().st_mtime_ns) for path in (home / "warehouse").rglob("*") if path.is_file()}
    tables = [
        control.rows(sql.SQL("select t::text from {} t order by 1").format(sql.Identifier(table)))
        for table in UNTOUCHED
    ]
    return files, tables, control.rows("select * from iceberg.iceberg_tables order by 1, 2, 3")


def test_every_official_version_is_verified_and_nothing_else_is_written(installation: Installation) -> None:
    before = world(installation)
    assert set(outcomes(installation, SNAPSHOT).values()) == {Found.VERIFIED}
    assert len(outcomes(installation, SNAPSHOT)) == 10
    assert outcomes(installation, REPORT) == {MONTH: Found.VERIFIED}
    assert world(installation) == before
    versions = installation.platform.control.rows(
        "select distinct version, recorded_digest = computed_digest and recorded_digest = stored_digest as same"
        " from verification where dataset = 'gold/case_daily_snapshot' order by 1"
    )
    assert versions == [{"version": 1, "same": True}, {"version": 2, "same": True}], "of two runs, each by its own pins"


# ------------------------------------------------------------------------------------------------ what tampering does


def paths_of(installation: Installation, dataset: str, key: date) -> list[Path]:
    rows = installation.platform.control.rows(
        "select file_path from version_file f join partition_state s using (dataset, partition_key)"
        " where f.version = s.current_version and dataset = %(dataset)s and partition_key = %(key)s",
        {"dataset": dataset, "key": key},
    )
    return [local(row["file_path"]) for row in rows]


def local(location: str) -> Path:
    return Path(unquote(urlparse(location).path))


@contextmanager
def other_content(path: Path, content: bytes | None) -> Iterator[None]:
    """The file with other content, or gone."""
    kept = path.read_bytes()
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    yield
    path.write_bytes(kept)


def with_another_value(path: Path, row: int, column: int) -> bytes:
    """A Parquet file that is as good as the old one, with one value that is another."""
    rows = pq.read_table(path)
    name = rows.column_names[column % rows.num_columns]
    values = rows[name].to_pylist()
    place = row % len(values)
    values[place] = another(values[place], rows.schema.field(name).type)
    changed = rows.set_column(column % rows.num_columns, rows.schema.field(name), pa.array(values, rows[name].type))
    out = pa.BufferOutputStream()
    pq.write_table(changed, out)
    return bytes(out.getvalue())


def another(value: object, kind: pa.DataType) -> object:
    if value is None:
        some = {pa.types.is_string: "x", pa.types.is_timestamp: NOON, pa.types.is_date: NOON.date()}
        return next((value for is_of, value in some.items() if is_of(kind)), 1)
    if isinstance(value, bool):
        return not value
    if isinstance(value, str):
        return value + " "
    if isinstance(value, date):  # an instant is a date, too
        return value + timedelta(days=1)
    return value + 1  # type: ignore[operator]  # numbers are all that is left


@contextmanager
def another_word(owner: ControlDb, table: str, word: str, bit: int) -> Iterator[None]:
    """One bit of a recorded digest of version 2 is another."""
    version = "current_version" if table == "partition_state" else "version"
    names = {"table": sql.Identifier(table), "word": sql.Identifier(word), "version": sql.Identifier(version)}
    look = sql.SQL("select {word} as word from {table} where dataset = %(dataset)s and partition_key = %(key)s")
    change = sql.SQL(
        "update {table} set {word} = %(word)s where dataset = %(dataset)s and partition_key = %(key)s and {version} = 2"
    ).format(**names)
    place = {"dataset": SNAPSHOT, "key": SINCE}
    kept = int(owner.rows(look.format(**names) + sql.SQL(" order by {version} desc").format(**names), place)[0]["word"])
    execute(owner, change, place | {"word": kept ^ (1 << bit)})
    yield
    execute(owner, change, place | {"word": kept})


def outcome_of(installation: Installation, key: date, dataset: str = SNAPSHOT) -> Found:
    (found,) = verification.verify(installation.platform, dataset, [key], "a test")
    return found.outcome


@given(day=st.integers(0, 2), row=st.integers(0, 999), column=st.integers(0, 999))
@hypothesis_settings(max_examples=25)
def test_no_value_of_an_official_file_changes_unseen(
    installation: Installation, day: int, row: int, column: int
) -> None:
    key = SINCE + timedelta(days=day)
    (path,) = paths_of(installation, SNAPSHOT, key)
    with other_content(path, with_another_value(path, row, column)):
        assert outcome_of(installation, key) is Found.DIFFERENT
    assert outcome_of(installation, key) is Found.VERIFIED


@given(
    table=st.sampled_from(["partition_state", "version_partition", "version_file"]),
    word=st.sampled_from(["digest_high", "digest_low"]),
    bit=st.integers(0, 63),
)
@hypothesis_settings(max_examples=15)
def test_no_recorded_digest_changes_unseen(installation: Installation, table: str, word: str, bit: int) -> None:
    with another_word(ControlDb(installation.platform.settings.owner_url()), table, word, bit):
        assert outcome_of(installation, SINCE) is Found.DIFFERENT
    assert outcome_of(installation, SINCE) is Found.VERIFIED


def test_a_file_that_is_gone_or_cut_is_a_difference_that_names_it(installation: Installation) -> None:
    (path,) = paths_of(installation, SNAPSHOT, SINCE)
    for content, said in ((None, "is missing"), (path.read_bytes()[:-9], "is damaged")):
        with other_content(path, content):
            (found,) = verification.verify(installation.platform, SNAPSHOT, [SINCE], "a test")
        assert found.outcome is Found.DIFFERENT
        assert path.name in found.reason and said in found.reason
    (page,) = installation.platform.control.rows(
        "select uri from version_artifact where dataset = %(dataset)s and version = 2 and name like '%%.html'",
        {"dataset": REPORT},
    )
    with other_content(local(page["uri"]), b"a forged page"):
        assert outcome_of(installation, MONTH, REPORT) is Found.DIFFERENT
    assert outcome_of(installation, MONTH, REPORT) is Found.VERIFIED


def test_other_facts_and_other_inputs_make_other_figures(installation: Installation) -> None:
    platform = installation.platform
    (facts, *_) = (local(file.file_path) for file in platform.lake.data_files("silver/case_events"))
    column = pq.read_table(facts).column_names.index("occurred_at")
    with other_content(facts, with_another_value(facts, 0, column)):
        assert Found.DIFFERENT in outcomes(installation, SNAPSHOT).values()
    before = SINCE - timedelta(days=1)
    (carried,) = paths_of(installation, SNAPSHOT, before)
    column = pq.read_table(carried).column_names.index("team")
    with other_content(carried, with_another_value(carried, 0, column)):
        found = outcomes(installation, SNAPSHOT)
        assert found[before] is Found.DIFFERENT
        assert found[before - timedelta(days=1)] is Found.VERIFIED
        assert outcome_of(installation, MONTH, REPORT) in {Found.DIFFERENT, Found.VERIFIED}, "teams may not be told"
    with other_content(carried, None):
        found = outcomes(installation, SNAPSHOT)
        assert (found[before], found[SINCE]) == (Found.DIFFERENT, Found.UNVERIFIABLE)
        assert outcome_of(installation, MONTH, REPORT) is Found.UNVERIFIABLE
    assert set(outcomes(installation, SNAPSHOT).values()) == {Found.VERIFIED}


def test_other_rules_than_the_recorded_ones_verify_nothing_yet_find_what_is_damaged(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(version, "versions", lambda _: {"snapshot": "snapshot-99+0123456789ab"})
    (found,) = verification.verify(installation.platform, SNAPSHOT, [SINCE], "a test")
    assert found.outcome is Found.UNVERIFIABLE
    assert "installed is snapshot-99" in found.reason
    (path,) = paths_of(installation, SNAPSHOT, SINCE)
    with other_content(path, with_another_value(path, 1, 1)):
        assert outcome_of(installation, SINCE) is Found.DIFFERENT


@pytest.mark.parametrize(
    ("first", "last", "said"),
    [
        (FIRST - timedelta(days=1), LAST, "lies before the first official date"),
        (FIRST, LAST + timedelta(days=1), "is not over"),
        (LAST + timedelta(days=9), LAST + timedelta(days=9), "has not begun: by the business clock"),
    ],
)
def test_a_launch_by_hand_is_told_of_the_first_partition_in_the_way(
    installation: Installation, first: date, last: date, said: str
) -> None:
    with pytest.raises(ConfigurationError, match=said):
        manual(installation.platform, SNAPSHOT, PartitionRange(first, last), "a test")


def test_a_launch_by_hand_of_what_is_official_asks_for_no_run(installation: Installation) -> None:
    before = world(installation)
    found = manual(installation.platform, SNAPSHOT, PartitionRange(SINCE, LAST), "a test")
    assert found == Settled(tuple(days(SINCE, LAST)))
    with pytest.raises(ConfigurationError, match="every closed date is published and clean"):
        manual(installation.platform, SNAPSHOT, None, "a test")
    assert world(installation) == before


@pytest.mark.sampled
@pytest.mark.parametrize("end", ["before:kill", "after:kill", "after:lost_ack"])
@pytest.mark.parametrize("effect", VERIFICATION_EFFECTS)
def test_a_verification_that_dies_is_asked_for_again(installation: Installation, effect: str, end: str) -> None:
    command = ["verify", SNAPSHOT, "--partition", SINCE.isoformat()]
    recorded = "select count(*) as n from verification"
    (before,) = installation.platform.control.rows(recorded)
    assert one_command(command, f"{effect}.{end}").fired
    (after,) = installation.platform.control.rows(recorded)
    assert after["n"] - before["n"] == (0 if end.startswith("before") else 1)
    assert one_command(command).finished
