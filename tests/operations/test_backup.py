"""A backup is whole or says what it lacks, whatever the platform does meanwhile; another machine goes on from it."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from casegold.backup import programs
from casegold.backup.store import Store
from casegold.backup.take import take
from casegold.control.changes import people
from casegold.control.db import ControlDb
from casegold.control.integrity import maintenance_requests
from casegold.domain.errors import ExitClass, SourceUnavailable
from casegold.runtime.platform import open_platform
from casegold.runtime.settings import PREFIX, Settings
from casegold.sink.lake import local_path
from casegold.sink.maintenance import expire_snapshots
from casegold.sink.orphans import delete_orphans, find_orphans, named_by
from tests.e2e.installation import PASSWORD, SNAPSHOT, Installation, command
from tests.operations.house import announce, elsewhere, figures, load_more

RESTORE_EFFECTS = ("restore",)


def silent(_: str) -> None:
    """Progress that nobody reads."""


def test_another_machine_goes_on_from_what_was_at_the_instant_of_the_dump(
    house: Installation, servers: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between dump and copy the platform publishes more and is maintained: none of it is in the backup."""
    then = figures(house)
    store = Store(tmp_path / "backup")

    def meanwhile(_: str) -> None:
        if not house.version_numbers(SNAPSHOT)[1:]:
            load_more()
            house.work()
            announce(house)
            command("maintain")

    assert take(house.platform, store, meanwhile).missing == ()
    now = figures(house)
    assert now != then
    with elsewhere(servers, monkeypatch, home=tmp_path / "other") as settings:
        said = command("restore", store.directory)
        assert "restored the database" in said
        restored = Installation(settings)
        assert figures(restored) == then
        assert "not" not in command("reconcile").lower().split()
        command("verify", SNAPSHOT, "--partition", "2024-02-27")
        assert named_elsewhere(restored) == set(), "a file of the lost machine is still named"
        restored.work()
        announce(restored)
        assert figures(restored) == now
        command("maintain")
        assert "Reconciliation" in command("reconcile")


def named_elsewhere(installation: Installation) -> set[str]:
    """Locations outside the warehouse that tables or the control database name."""
    platform = installation.platform
    found: set[str] = set()
    rows = platform.control.rows("select table_namespace || '/' || table_name as dataset from iceberg.iceberg_tables")
    assert len(rows) >= 6
    for row in rows:
        found.update(named_by(platform.lake.table(row["dataset"])))
        with platform.control.read() as connection:
            found |= maintenance_requests.named_files(connection, row["dataset"])
    assert len(found) > 40
    return {location for location in found if not location.startswith(platform.settings.warehouse_url() + "/")}


def test_files_that_maintenance_deletes_under_the_copy_are_not_needed_by_the_next_dump(
    house: Installation, tmp_path: Path
) -> None:
    lake = house.platform.lake
    deleted: list[str] = []
    said: list[str] = []

    def meanwhile(line: str) -> None:
        said.append(line)
        if not deleted:
            four_days_ago = time.time() - timedelta(days=4).total_seconds()
            for path in Path(house.platform.settings.home / "warehouse").rglob("*"):
                os.utime(path, (four_days_ago, four_days_ago))
            expire_snapshots(lake, "silver/case_events", {}, keep=1)
            orphans = find_orphans(lake, "silver/case_events", set)
            delete_orphans(lake, "silver/case_events", orphans)
            deleted.extend(each.path for each in orphans)

    store = Store(tmp_path / "backup")
    point = take(house.platform, store, meanwhile)
    assert deleted
    assert point.missing == ()
    assert [line for line in said if "checking again" in line]
    assert not {local_path(file.location) for file in point.files} & set(deleted)
    assert "is intact" in command("backup", "verify", store.directory)


def test_a_backup_of_a_lake_that_lacks_a_file_is_kept_and_red(house: Installation, tmp_path: Path) -> None:
    lost = house.platform.lake.data_files(SNAPSHOT)[0].file_path
    Path(local_path(lost)).unlink()
    with pytest.raises(Exception, match="lacks 1 files"):
        command("backup", "create", tmp_path / "backup")
    assert Store(tmp_path / "backup").point(None).missing == (lost,)
    with pytest.raises(Exception, match="are damaged or missing"):
        command("backup", "verify", tmp_path / "backup")


def test_a_table_without_its_metadata_gives_no_backup(house: Installation, tmp_path: Path) -> None:
    lost = house.platform.lake.table(SNAPSHOT).metadata_location
    Path(local_path(lost)).unlink()
    with pytest.raises(Exception, match=f"of which a table is made: {SNAPSHOT}: .*{Path(lost).name}"):
        command("backup", "create", tmp_path / "backup")
    assert Store(tmp_path / "backup").points() == []


def test_the_next_point_copies_what_is_new_and_a_dropped_one_takes_its_files_along(
    house: Installation, tmp_path: Path
) -> None:
    store = Store(tmp_path / "backup")
    first = take(house.platform, store, silent)
    said: list[str] = []
    load_more()
    house.work()
    second = take(house.platform, store, said.append)
    stored = {file.location for file in first.files}
    new = {file.location for file in second.files} - stored
    reread = {file.location for file in second.files if "/artifacts/" in file.location} & stored
    assert said == [f"{len(second.files)} lake files, {len(new | reread)} of them to copy"]
    assert len(new) < len(second.files)
    assert "deleted 1 points" in command("backup", "prune", store.directory, "--keep", 1)
    assert store.points() == [second]
    assert "is intact" in command("backup", "verify", store.directory)
    kept = {path.name for path in store.directory.glob("objects/*/*")}
    assert kept == {file.sha256 for file in (second.database, *second.files)}


def test_a_damaged_copy_is_found_and_never_restored(
    house: Installation, servers: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(tmp_path / "backup")
    point = take(house.platform, store, silent)
    (data, *_) = [file for file in point.files if file.location.endswith(".parquet")]
    for file in (point.database, data):
        path = store.object(file.sha256)
        whole = path.read_bytes()
        path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        with pytest.raises(Exception, match=r"1 of .* files are damaged or missing"):
            command("backup", "verify", store.directory)
        with (
            elsewhere(servers, monkeypatch, home=tmp_path / "other"),
            pytest.raises(Exception, match="is damaged in"),
        ):
            command("restore", store.directory)
        path.unlink()
        take(house.platform, store, silent)
        path.write_bytes(whole)
    assert "is intact" in command("backup", "verify", store.directory)


def test_a_backup_is_private_and_holds_no_password(
    house: Installation, servers: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A person's login comes back with the same person, and with a password that is made anew."""
    control = ControlDb(house.platform.settings.owner_url())
    people.add(control, "ann_of_backup", "casegold_operator", "ann", PASSWORD)
    (row,) = control.rows("select rolpassword as verifier from pg_authid where rolname = 'ann_of_backup'")
    store = Store(tmp_path / "backup")
    point = take(house.platform, store, silent)
    with psycopg.connect(control.url, autocommit=True) as connection:
        connection.execute(sql.SQL("drop role {}").format(sql.Identifier("ann_of_backup")))
    assert stat.S_IMODE(store.directory.stat().st_mode) == 0o700
    assert stat.S_IMODE((store.directory / "points" / f"{point.name}.json").stat().st_mode) == 0o600
    script = tmp_path / "script.sql"
    programs.script_of(store.object(point.database.sha256), script)
    everything = script.read_bytes() + (store.directory / "points" / f"{point.name}.json").read_bytes()
    assert row["verifier"].encode() not in everything
    for url in (control.url, house.platform.settings.database_url()):
        assert url.split("@")[0].rpartition(":")[2].encode() not in everything
    with elsewhere(servers, monkeypatch, home=tmp_path / "other") as settings:
        said = command("restore", store.directory)
        (line,) = [line for line in said.splitlines() if "user add" in line]
        assert line.strip() == "casegold user add ann_of_backup --person ann --role casegold_operator"
        command(*line.split()[1:])
        (login,) = [each for each in people.logins(open_platform(settings).control) if each.removed_at is None]
        assert (login.login, login.person, login.roles) == ("ann_of_backup", "ann", ["casegold_operator"])
        command("user", "remove", "ann_of_backup")


def test_a_restore_never_touches_a_database_that_holds_something(house: Installation, tmp_path: Path) -> None:
    take(house.platform, Store(tmp_path / "backup"), silent)
    with pytest.raises(Exception, match="the database is not empty"):
        command("restore", tmp_path / "backup")


def test_what_does_not_fit_is_refused_before_anything_is_written(
    house: Installation, servers: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    take(house.platform, Store(tmp_path / "backup"), silent)
    with elsewhere(servers, monkeypatch, home=tmp_path / "other") as settings:
        monkeypatch.setenv(f"{PREFIX}TIME_ZONE", "Europe/Rome")
        with pytest.raises(Exception, match="set CASEGOLD_TIME_ZONE=Europe/Amsterdam"):
            command("restore", tmp_path / "backup")
        assert not (settings.home / "warehouse").exists()


@pytest.mark.sampled
@pytest.mark.parametrize("point", ["restore.before:kill", "restore.after:kill", "restore.after:lost_ack"])
def test_a_restore_that_dies_is_given_again_or_finished_by_up(
    house: Installation, servers: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    then = figures(house)
    take(house.platform, Store(tmp_path / "backup"), silent)
    with elsewhere(servers, monkeypatch, home=tmp_path / "other") as settings:
        environment = os.environ | {f"{PREFIX}FAILPOINT": point}
        died = subprocess.run(
            [sys.executable, "-m", "casegold.cli.main", "restore", str(tmp_path / "backup")],
            env=environment,
            check=False,
        )
        assert died.returncode == (-9 if point.endswith("kill") else ExitClass.COMMIT_UNKNOWN)
        if point == "restore.before:kill":
            command("restore", tmp_path / "backup")
        else:
            with pytest.raises(Exception, match="the database is not empty"):
                command("restore", tmp_path / "backup")
            command("up")
        restored = Installation(settings)
        assert figures(restored) == then
        assert len(restored.platform.control.rows("select from restoration")) == 1


def test_a_place_that_cannot_be_written_is_named(house: Installation, tmp_path: Path) -> None:
    (tmp_path / "backup").write_text("a file, not a directory")
    with pytest.raises(SourceUnavailable, match=f"the backup in {tmp_path}/backup cannot be written"):
        take(house.platform, Store(tmp_path / "backup"), silent)


def test_a_directory_without_a_backup_says_so(tmp_path: Path) -> None:
    assert "this directory has no backup" in command("backup", "list", tmp_path)
    for arguments in (("backup", "verify"), ("restore",)):
        with pytest.raises(Exception, match="holds no backup") as refused:
            command(*arguments, tmp_path)
        assert refused.value.exit_class is ExitClass.CONFIGURATION  # type: ignore[attr-defined]
