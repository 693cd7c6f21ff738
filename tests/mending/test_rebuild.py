"""A lost silver is never made anew silently, and comes back from bronze as it was."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import LiteralString

import pyarrow as pa
import pytest

from casegold.control.db import ControlDb
from casegold.domain.errors import Deferred, ExitClass, InvariantBroken, TableLost
from casegold.operations import repairs
from casegold.runtime.platform import Platform, open_platform
from casegold.runtime.settings import Settings
from casegold.sink.rebuilding import Rebuilding
from tests.crash.restarts import give_up
from tests.e2e.installation import REPORT, SNAPSHOT, Installation, command
from tests.history.story import send_late
from tests.ingest.register import EVENTS, next_attempt
from tests.mending.house import BRONZE, FIRST, LAST, PLAN, REJECTED, SILVER, differences, drop, rows

REBUILD = ("rebuild", SILVER, "--reason", "dropped by mistake")


def ingests(platform: Platform) -> int:
    return len(platform.control.rows("select from ingest_commit where dataset = 'silver/case_events'"))


def heads(platform: Platform) -> dict[str, int | None]:
    return {
        dataset: platform.lake.table(dataset).metadata.current_snapshot_id for dataset in (BRONZE, SILVER, REJECTED)
    }


def test_a_dropped_silver_is_refused_and_comes_back_as_it_was(house: Installation, settings: Settings) -> None:
    platform = house.platform
    assert ingests(platform) > 4
    before = {dataset: rows(platform, dataset) for dataset in (SILVER, REJECTED)}
    published = house.rows(SNAPSHOT, FIRST, LAST)
    drop(platform, SILVER)

    send_late(settings, "one more", date(2024, 2, 28), PLAN)
    house.work()
    (run,) = platform.control.rows("select run_id, outcome from run_manifest where state = 'FAILED'")
    assert "silver/case_events is gone" in run["outcome"]["error"]
    with pytest.raises(TableLost, match="silver/case_events is gone"):
        command("maintain", SILVER)
    said = command("verify", SNAPSHOT, "--partition", LAST, expect=ExitClass.CONFIGURATION)
    assert "is unverifiable: silver/case_events is gone" in said
    assert "is gone" in command("reconcile", expect=ExitClass.VALIDATION_FAILED)
    assert not platform.lake.catalog.table_exists(("silver", "case_events")), "nobody made it"
    assert house.rows(SNAPSHOT, FIRST, LAST) == published

    assert "rebuilt" in command(*REBUILD)
    assert differences(platform, before[SILVER], rows(platform, SILVER), without="recorded_at") == 0
    assert differences(platform, before[REJECTED], rows(platform, REJECTED)) == 0
    assert platform.lake.table(SILVER).refs().keys() == {"main"}
    command("reconcile", expect=ExitClass.VALIDATION_FAILED)  # the record that was sent meanwhile waits

    command("retry", run["run_id"], "--reason", "silver is back")
    house.work()
    assert house.version_numbers(SNAPSHOT) == [1, 2, 3]
    command("verify", SNAPSHOT)
    command("verify", REPORT)
    command("reconcile")


def test_both_tables_come_back_and_a_second_rebuild_changes_nothing(house: Installation) -> None:
    platform = house.platform
    before = {dataset: rows(platform, dataset) for dataset in (SILVER, REJECTED)}
    for dataset in before:
        drop(platform, dataset)
    command(*REBUILD)
    for dataset, old in before.items():
        assert differences(platform, old, rows(platform, dataset), without="recorded_at") == 0, dataset
    now = heads(platform)
    outcome = repairs.rebuild(platform, SILVER, "to be sure")
    assert (outcome.summary[SILVER], outcome.summary[REJECTED]) == ("as it was", "as it was")
    assert heads(platform) == now


def test_a_rebuild_that_was_given_up_for_dead_does_not_get_onto_main(
    house: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    platform = house.platform
    drop(platform, SILVER)
    switch = Rebuilding.switch

    def late(made: Rebuilding, seq: int, check: Callable[[], None]) -> None:
        give_up(platform.control)
        switch(made, seq, check)

    with monkeypatch.context() as patch:
        patch.setattr(Rebuilding, "switch", late)
        with pytest.raises(Deferred):
            repairs.rebuild(platform, SILVER, "try")
    assert platform.lake.for_mending().data_files(SILVER) == []
    command(*REBUILD)
    command("reconcile")


def test_an_older_silver_is_refused_and_completed(house: Installation, settings: Settings) -> None:
    """Its catalog entry is set back to an older metadata file, as a restore of half a backup does."""
    platform = house.platform
    before, table = rows(platform, SILVER), platform.lake.table(SILVER)
    older = table.metadata.metadata_log[-2].metadata_file
    with ControlDb(platform.settings.owner_url()).write("by a test") as connection:
        connection.execute(
            "update iceberg.iceberg_tables set metadata_location = %(older)s where table_namespace = 'silver'",
            {"older": older},
        )
    for asked in (platform, open_platform(settings)):
        with pytest.raises(TableLost, match="it is older than it was"):
            asked.lake.table(SILVER)
    command(*REBUILD)
    assert differences(platform, before, rows(platform, SILVER), without="recorded_at") == 0
    known = set(before["recorded_at"].to_pylist())
    kept = [at in known for at in rows(platform, SILVER)["recorded_at"].to_pylist()]
    assert 0 < kept.count(False) < len(kept), "rows that were still there keep the instant of their commit"


def test_rows_of_nobody_are_replaced_and_changed_rows_are_not(house: Installation) -> None:
    platform = house.platform
    before = rows(platform, SILVER)
    table = platform.lake.table(SILVER)
    table.append(before.slice(0, 3).cast(table.schema().as_arrow()))
    command(*REBUILD)
    assert differences(platform, before, rows(platform, SILVER)) == 0
    (named,) = (before.schema.get_field_index(name) for name in ["case_id"])
    changed = before.set_column(named, before.schema.field(named), pa.array(["other"] * before.num_rows))
    platform.lake.table(SILVER).overwrite(changed.cast(table.schema().as_arrow()))
    head = heads(platform)
    with pytest.raises(InvariantBroken, match="are not those that bronze gives"):
        command(*REBUILD)
    assert heads(platform) == head


@pytest.mark.parametrize(
    "change",
    [
        "update ingest_commit set accepted = accepted - 1, duplicates = duplicates + 1"
        " where seq = 2 and dataset = 'silver/case_events'",
        "update ingest_dates set dirty_from = dirty_from - 90 where ingest_seq = 2",
    ],
)
def test_what_the_ledger_does_not_say_is_not_rebuilt(house: Installation, change: LiteralString) -> None:
    platform = house.platform
    with ControlDb(platform.settings.owner_url()).write("by a test") as connection:
        connection.execute(change)
    drop(platform, SILVER)
    with pytest.raises(InvariantBroken, match="ingest 2 made again"):
        command(*REBUILD)
    with pytest.raises(TableLost):
        platform.lake.table(SILVER)


def test_facts_stay_refused_that_the_contract_would_take_by_now(
    house: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first date has moved since, so that today's rules would refuse what was taken then."""
    before = rows(house.platform, SILVER)
    drop(house.platform, SILVER)
    monkeypatch.setenv("CASEGOLD_FIRST_DATE", LAST.isoformat())
    repairs.rebuild(open_platform(), SILVER, "with another contract")
    assert differences(house.platform, before, rows(house.platform, SILVER), without="recorded_at") == 0


def test_a_lost_bronze_is_refused_and_nothing_is_read(house: Installation, settings: Settings) -> None:
    platform = house.platform
    drop(platform, BRONZE)
    send_late(settings, "one more", date(2024, 2, 28), PLAN)
    house.work()
    (run,) = platform.control.rows("select outcome from run_manifest where state = 'FAILED'")
    assert "bronze/case_events is gone" in run["outcome"]["error"]
    with pytest.raises(TableLost, match="bronze/case_events is gone"):
        command(*REBUILD)


def test_a_rebuild_waits_for_an_open_ingest(house: Installation, settings: Settings) -> None:
    send_late(settings, "one more", date(2024, 2, 28), PLAN)
    assert next_attempt(house.platform, EVENTS) is not None
    with pytest.raises(Deferred, match="is open"):
        command(*REBUILD)
