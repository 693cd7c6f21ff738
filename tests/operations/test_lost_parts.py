"""Database, lake or topics are lost, each alone: nothing is counted twice, and no number stands for two contents.

The stories are those of docs/operations.md, command by command.
"""

from __future__ import annotations

import shutil
from collections import defaultdict
from pathlib import Path

import pytest

from casegold.backup.store import Store
from casegold.control.db import ControlDb
from casegold.domain.errors import ConfigurationError, ExitClass, SourceUnavailable
from casegold.runtime.settings import Settings
from casegold.sink.lake import local_path
from tests.contracts.test_asyncapi import complaints, message
from tests.crash.final_state import messages
from tests.e2e.installation import SNAPSHOT, Installation, command
from tests.operations.house import (
    announce,
    announced,
    count,
    delete_topics,
    elsewhere,
    figures,
    load,
    load_more,
)

SILVER = "silver/case_events"


def facts(installation: Installation) -> list[tuple[str, str]]:
    """Source and id of every row of silver."""
    rows = installation.platform.lake.table(SILVER).scan(selected_fields=("source", "event_id")).to_arrow()
    return sorted((row["source"], row["event_id"]) for row in rows.to_pylist())


def contents_by_number(installation: Installation) -> dict[tuple[str, int], set[str]]:
    """What was ever announced as a version, by dataset and number."""
    found = defaultdict(set)
    for event in announced(installation):
        if event["eventType"] == "DatasetVersionPublished":
            found[event["datasetId"], event["versionNumber"]].add(f"{event['runId']} {event['publishedAt']}")
    return found


def test_the_database_is_lost_and_lake_and_kafka_are_not(
    house: Installation, servers: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Versions after the backup were announced. Their events are read again; their numbers are never used again."""
    command("backup", "create", tmp_path / "backup")
    load_more()
    house.work()
    announce(house)
    lost, lost_facts, files = figures(house), facts(house), house.platform.lake.data_files(SNAPSHOT)
    heard = announced(house)
    assert [each["versionNumber"] for each in heard if each["datasetId"] == SNAPSHOT] == [1, 2]
    with elsewhere(servers, monkeypatch) as settings:
        said = command("restore", tmp_path / "backup")
        assert "and 0 lake files" in said, "the lake is there already"
        restored = Installation(settings)
        assert restored.version_numbers(SNAPSHOT) == [1]
        assert "Reconciliation" in command("reconcile"), "an older catalog names older files: all agree"
        restored.work()
        announce(restored)
        assert figures(restored) == lost
        assert facts(restored) == lost_facts
        assert len(set(lost_facts)) == len(lost_facts)
        (row,) = restored.platform.control.rows("select numbers_above as n from restoration")
        above = row["n"]
        assert restored.version_numbers(SNAPSHOT) == [1, above + 1]
        assert {number: len(contents) for number, contents in contents_by_number(restored).items()} == dict.fromkeys(
            contents_by_number(restored), 1
        )
        news = announced(restored)[len(heard) :]
        (void,) = [each for each in news if each["datasetId"] == SNAPSHOT and "voidFrom" in each]
        assert complaints(f"{message('datasets', 'DatasetHistoryRestored')}/payload", void) == []
        assert (void["lastVersionNumber"], void["voidFrom"], void["voidTo"]) == (1, 2, above)
        (version,) = [each for each in news if each["datasetId"] == SNAPSHOT and "versionNumber" in each]
        assert version["versionNumber"] == above + 1
        assert news.index(void) < news.index(version)
        assert Path(local_path(files[-1].file_path)).exists(), "what the lost database named stays for two days"
        assert "Reconciliation" in command("reconcile")
    with elsewhere(servers, monkeypatch) as settings:
        command("restore", tmp_path / "backup")
        control = Installation(settings).platform.control
        assert count(control, "select numbers_above as n from restoration") > above + 1, "the same backup once more"


@pytest.mark.usefixtures("house")
def test_versions_are_numbered_above_all_that_can_have_been_announced(
    servers: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A backup of long ago: a dataset cannot have published more versions since than there were seconds."""
    command("backup", "create", tmp_path / "backup")
    with elsewhere(servers, monkeypatch, home=tmp_path / "other") as settings:
        command("restore", tmp_path / "backup")
        control = Installation(settings).platform.control
        (once,) = control.rows(
            "select numbers_above as n, last_number, restored_at - taken_at as since from restoration"
        )
        assert once["last_number"] == 1
        assert once["n"] - 1 >= 10 * once["since"].total_seconds()
        rule = "insert into restoration (taken_at, restored_at, last_number, numbers_above) values "
        owner = ControlDb(settings.owner_url())
        with pytest.raises(Exception, match="restoration_check"), owner.write("by a test") as connection:
            connection.execute(rule + "(now() - interval '3 days', now(), 5, 2592004)")
        with owner.write("by a test") as connection:
            connection.execute(rule + "(now() - interval '3 days', now(), 5, 2592005)")
        (row,) = control.rows("select highest_number('gold/none') as any, highest_number(%(d)s) as n", {"d": SNAPSHOT})
        assert (row["any"], row["n"]) == (2_592_005, 2_592_005)
        (waiver,) = owner.rows("select last_value from pg_sequences where sequencename = 'waiver_waiver_id_seq'")
        assert waiver["last_value"] == once["n"] - 1, "people's numbers are not given twice either"


def test_files_of_the_lake_are_lost(house: Installation, tmp_path: Path) -> None:
    """What the backup has comes back; what is newer is named, and is for `reconcile --fix` or a restore of both."""
    then = figures(house)
    command("backup", "create", tmp_path / "backup")
    lost = Path(local_path(house.platform.lake.data_files(SNAPSHOT)[0].file_path))
    damaged = Path(local_path(house.platform.lake.data_files(SILVER)[0].file_path))
    lost.unlink()
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"x")
    assert "does not exist" in command("reconcile", expect=ExitClass.VALIDATION_FAILED)
    assert "2 lake files are restored" in command("restore", "--lake", tmp_path / "backup")
    assert "Reconciliation" in command("reconcile")
    assert figures(house) == then
    load_more()
    house.work()
    newer = {file.file_path for file in house.platform.lake.data_files(SNAPSHOT)}
    (unknown, *_) = sorted(newer - _stored(tmp_path / "backup"))
    Path(local_path(unknown)).unlink()
    assert "0 lake files are restored" in command("restore", "--lake", tmp_path / "backup")
    assert "does not exist" in command("reconcile", expect=ExitClass.VALIDATION_FAILED)


def _stored(directory: Path) -> set[str]:
    return {file.location for file in Store(directory).point(None).files}


def test_the_whole_lake_is_lost_and_the_backup_is_older_than_the_database(
    house: Installation, servers: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A newer database names metadata that no backup has: both go back to the same point, and Kafka has the rest."""
    command("backup", "create", tmp_path / "backup")
    load_more()
    house.work()
    announce(house)
    lost = figures(house)
    shutil.rmtree(house.platform.settings.home / "warehouse")
    with pytest.raises(SourceUnavailable, match="does not answer for"):
        command("reconcile")
    command("restore", "--lake", tmp_path / "backup")
    with pytest.raises(SourceUnavailable, match=r"metadata\.json"):
        command("reconcile")
    with elsewhere(servers, monkeypatch) as settings:
        command("restore", tmp_path / "backup")
        restored = Installation(settings)
        restored.work()
        announce(restored)
        assert figures(restored) == lost
        assert "Reconciliation" in command("reconcile")


def test_kafkas_topics_are_lost(house: Installation, settings: Settings) -> None:
    """What was read is in the lake; what was not, the sources send again; consumers find every announcement again."""
    control = house.platform.control
    load_more()
    heard = {each["id"]: each for each in announced(house)}
    delete_topics(settings)
    with pytest.raises(ConfigurationError, match="there is no topic"):
        command("source", "status")
    command("up")
    read = (settings.events_topic, settings.totals_topic, settings.backfill_requests_topic)
    topics = (*read, f"{settings.outbox_topic_prefix}dataset")
    assert "another topic than before" in command("source", "status")
    with pytest.raises(ConfigurationError, match="another topic than before"):
        command("work", "--until-idle")
    for topic in topics:
        command("source", "accept-epoch", topic, "--reason", "the broker's disk is gone")
    command("relay", "--again", f"{settings.outbox_topic_prefix}dataset")
    command("relay", "--once")
    assert {each["id"]: each for each in announced(house)} == heard
    load_more()
    load()
    house.work()
    announce(house)
    assert [each["versionNumber"] for each in announced(house) if each["datasetId"] == SNAPSHOT] == [1, 2]
    assert count(control, "select sum(duplicates) as n from ingest_commit where dataset = 'silver/case_events'") > 0
    assert len(set(facts(house))) == len(facts(house))
    assert "Reconciliation" in command("reconcile")


def test_another_machine_with_another_kafka(
    house: Installation, servers: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of the old machine is left but the backup: the sources send again, and figures are as they were."""
    load_more()
    command("backup", "create", tmp_path / "backup")
    house.work()
    lost = figures(house)
    with elsewhere(servers, monkeypatch, home=tmp_path / "other", fresh_topics=True) as settings:
        command("restore", tmp_path / "backup")
        restored = Installation(settings)
        load()
        load_more()
        restored.work()
        announce(restored)
        assert figures(restored) == lost
        assert messages(restored.platform, settings.events_dlq_topic) == []
        assert "Reconciliation" in command("reconcile")
