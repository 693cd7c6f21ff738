"""A shadow is computed beside what is official and compared with it; only its very figures are ever promoted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date, timedelta
from functools import partial
from typing import Any

import pyarrow as pa
import pytest

from casegold.control.changes import approvals, shadows
from casegold.control.changes.shadows import Shadow
from casegold.control.integrity import maintenance_requests
from casegold.control.model import Pipeline
from casegold.domain.errors import ConfigurationError, ExitClass, Refused
from casegold.domain.events import CaseEvent
from casegold.domain.product import Product
from casegold.jobs.maintenance import preview
from casegold.runtime.settings import Settings
from casegold.scheduling.ticks import domain_tick
from casegold.scheduling.worker import execute
from casegold.transform import version
from products.case_daily_snapshot import build
from tests.backfill.conftest import FIRST, LAST, Folk, expected, state_of
from tests.crash.restarts import let_time_pass, one_life, restart_until_done
from tests.e2e.installation import REPORT, SNAPSHOT, Installation, command
from tests.e2e.test_late_facts import evidence, send

BESIDE = "shadow/case_daily_snapshot"
SINCE = LAST - timedelta(days=4)
SHADOW_EFFECTS = ("shadow-record",)
ON_THE_WAY = ("table-create", "stage-branch", "stage-write", "stage-chunk", "stage-commit", "audit-record")
ENDS = ("before:kill", "after:kill", "after:lost_ack")
NEW_TEAM = "merged team"


def begun(folk: Folk, first: object = SINCE, dataset: str = SNAPSHOT) -> str:
    """A shadow that two people agreed on and that has begun."""
    asked = ("--mode", "SHADOW", "--reason", "new rules", "--as", folk.ann)
    command("backfill", "request", dataset, first, *asked)
    request = folk.open_request()
    folk.begin(request)
    return request


def computed(installation: Installation, request: str) -> Shadow:
    installation.work()
    assert state_of(installation, request) == "COMPLETED"
    with installation.platform.control.read() as connection:
        shadow = shadows.find(connection, request)
    assert shadow is not None
    return shadow


def promote(folk: Folk, shadow: str, first: date = SINCE) -> str:
    """A backfill that is to publish a shadow, planned and approved."""
    command("backfill", "request", SNAPSHOT, first, "--reason", "the new rules are right", "--as", folk.ann)
    request = folk.open_request()
    command("backfill", "plan", request, "--promote", shadow, "--as", folk.ann)
    digest = approvals.find(folk.installation.platform.control, request).plan_digest
    command("backfill", "approve", request, "--digest", digest, "--as", folk.bob)
    return request


def figures(shadow: Shadow) -> list[tuple[object, ...]]:
    """What a shadow says, without the names of its files."""
    return [(each.figures, each.passed, each.difference) for each in shadow.partitions]


def merged(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the new rules make of rows."""
    return [row | {"team": None if row["team"] is None else NEW_TEAM} for row in rows]


@pytest.fixture
def new_rules(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Install a release in which every team has another name."""
    usual, known = build.snapshot_rows, version.versions

    def snapshot_rows(*arguments: object) -> pa.Table:
        rows = usual(*arguments)  # type: ignore[arg-type]  # passed on as they come
        teams = [None if team is None else NEW_TEAM for team in rows["team"].to_pylist()]
        return rows.set_column(rows.schema.get_field_index("team"), rows.schema.field("team"), pa.array(teams))

    def versions(products: Iterable[Product]) -> Mapping[str, str]:
        return known(products) | {"snapshot": "snapshot-2+0123456789ab"}

    def install() -> None:
        monkeypatch.setattr(build, "snapshot_rows", snapshot_rows)
        monkeypatch.setattr(version, "versions", versions)

    return install


def test_the_same_rules_give_the_same_figures_and_nothing_official_changes(
    installation: Installation, folk: Folk, simulated: list[CaseEvent]
) -> None:
    control = installation.platform.control
    announced = control.rows("select count(*) as n from outbox where aggregatetype = 'dataset'")
    request = begun(folk)
    shadow = computed(installation, request)
    assert [each.figures.key for each in shadow.partitions] == [SINCE + timedelta(days=n) for n in range(5)]
    assert not any(each.difference.differs for each in shadow.partitions)
    assert all(each.passed and each.difference.version_before == 1 for each in shadow.partitions)
    assert installation.version_numbers(SNAPSHOT) == installation.version_numbers(REPORT) == [1]
    assert installation.rows(SNAPSHOT, FIRST, LAST) == expected(simulated)
    assert control.rows("select count(*) as n from outbox where aggregatetype = 'dataset'") == announced
    assert control.rows("select from hold") == []
    assert "does not differ" in command("backfill", "status", request)
    assert "no row differs" in command("diff", SNAPSHOT, "--shadow", request)
    of_the_day = ("show", SNAPSHOT, "--partition", LAST, "--format", "json")
    assert command(*of_the_day, "--shadow", request) == command(*of_the_day)
    (run,) = control.rows("select mode, dataset from run_manifest where pipeline = 'shadow'")
    assert (run["mode"], run["dataset"]) == ("SHADOW", BESIDE)
    table = installation.platform.lake.table(BESIDE)
    rows = table.scan(snapshot_id=table.refs()[shadow.branch].snapshot_id).to_arrow()
    assert rows.num_rows == sum(each.figures.rows for each in shadow.partitions), "any engine reads it on its branch"


def test_new_rules_are_compared_and_promoted_as_they_were_compared(
    installation: Installation, folk: Folk, simulated: list[CaseEvent], new_rules: Callable[[], None]
) -> None:
    new_rules()
    installation.work()
    assert installation.version_numbers(SNAPSHOT) == [1], "new rules restate nothing by themselves"
    request = begun(folk)
    shadow = computed(installation, request)
    after = merged(expected(simulated))
    changed = [new for old, new in zip(expected(simulated), after, strict=True) if old != new]
    by_date = {each.figures.key: each.difference.changed for each in shadow.partitions}
    assert by_date == {key: sum(row["snapshot_date"] == key for row in changed) for key in by_date}
    assert sum(by_date.values()) > 0
    assert [each.name for each in shadow.comparison.columns if each.differs] == ["team"]
    status = command("backfill", "status", request)
    assert f"{len(by_date)} of {len(by_date)} partitions differ" in status
    assert BESIDE.replace("/", ".") in status
    assert NEW_TEAM in command("diff", SNAPSHOT, "--shadow", request, "--partition", LAST)
    assert command("diff", SNAPSHOT, "--shadow", request, "--format", "csv").count("\n") == sum(by_date.values()) + 1
    assert installation.rows(SNAPSHOT, FIRST, LAST) == expected(simulated)

    promotion = promote(folk, request)
    command("backfill", "execute", promotion)
    installation.work()
    assert state_of(installation, promotion) == "COMPLETED"
    rows = installation.rows(SNAPSHOT, FIRST, LAST)
    assert rows == [
        new if new["snapshot_date"] >= SINCE else old for old, new in zip(expected(simulated), after, strict=True)
    ]
    (made,) = installation.platform.control.rows(
        "select mode, transform_version from dataset_version where dataset = %(dataset)s and version = 2",
        {"dataset": SNAPSHOT},
    )
    assert (made["mode"], made["transform_version"]) == ("BACKFILL", "snapshot-2+0123456789ab")
    assert installation.version_numbers(REPORT) == [1, 2], "what is made of it follows"
    with pytest.raises(ConfigurationError, match="have other versions than those"):
        promote(folk, request)


def test_a_fact_that_comes_before_the_promotion_refuses_it(
    settings: Settings,
    installation: Installation,
    folk: Folk,
    simulated: list[CaseEvent],
    new_rules: Callable[[], None],
) -> None:
    new_rules()
    request = begun(folk)
    computed(installation, request)
    promotion = promote(folk, request)
    send(settings, evidence("late-letter", simulated[0].case_id, LAST - timedelta(days=2)))
    installation.work()
    with pytest.raises(Refused, match="digest of their current versions was"):
        command("backfill", "execute", promotion)


def test_a_fact_that_comes_while_it_is_promoted_stops_it(
    settings: Settings,
    installation: Installation,
    folk: Folk,
    simulated: list[CaseEvent],
    new_rules: Callable[[], None],
) -> None:
    new_rules()
    request = begun(folk)
    computed(installation, request)
    promotion = promote(folk, request)
    command("backfill", "execute", promotion)
    late = evidence("late-letter", simulated[0].case_id, LAST - timedelta(days=2))
    send(settings, late)
    for attempt in domain_tick(installation.platform, "silver/case_events"):
        execute(installation.platform, attempt)
    executed = installation.work()
    first = next(each for each in executed if each.attempt.pipeline is Pipeline.SNAPSHOT)
    assert first.exit_class is ExitClass.CONFIGURATION
    assert state_of(installation, promotion) == "FAILED"
    assert "other figures than the shadow" in command("backfill", "status", promotion)
    # The late fact is restated as always; nothing else that the promotion would have changed is.
    rows = installation.rows(SNAPSHOT, FIRST, LAST)
    assert rows == [
        new if new["snapshot_date"] >= LAST - timedelta(days=2) else old
        for old, new in zip(expected(simulated), merged(expected([*simulated, late])), strict=True)
    ]


def test_what_is_no_shadow_is_not_promoted(installation: Installation, folk: Folk) -> None:
    with pytest.raises(ConfigurationError, match="no request begins with"):
        promote(folk, "bf_none")
    request = folk.open_request()
    with pytest.raises(ConfigurationError, match="is no shadow of"):
        command("backfill", "plan", request, "--promote", request, "--as", folk.ann)
    command("backfill", "cancel", request, "--reason", "no shadow", "--as", folk.ann)
    shadow = begun(folk)
    computed(installation, shadow)
    with pytest.raises(ConfigurationError, match=f"is of {SINCE} to {LAST}, the plan of {FIRST} to {LAST}"):
        promote(folk, shadow, FIRST)


def test_a_report_has_a_shadow_too(installation: Installation, folk: Folk) -> None:
    request = begun(folk, "2024-02", REPORT)
    shadow = computed(installation, request)
    (only,) = shadow.partitions
    assert only.passed
    assert not only.difference.differs
    assert only.figures.rows > 0
    assert installation.version_numbers(REPORT) == [1]
    of_the_month = ("show", REPORT, "--partition", "2024-02", "--format", "csv")
    assert command(*of_the_month, "--shadow", request) == command(*of_the_month)


def test_a_shadow_that_its_gate_would_hold_says_so(
    installation: Installation, folk: Folk, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = build.snapshot_rows
    monkeypatch.setattr(build, "snapshot_rows", partial(_without_the_first, usual))
    request = begun(folk)
    shadow = computed(installation, request)
    assert not any(each.passed for each in shadow.partitions)
    assert all(each.difference.removed == 1 for each in shadow.partitions)
    assert "would hold it" in command("backfill", "status", request)
    control = installation.platform.control
    assert control.rows("select from hold") == []
    assert control.rows("select from outbox where type = 'QualityViolationDetected'") == []
    failed = "select distinct check_name from quality_result join run_manifest using (run_id) where status = 'FAILED'"
    assert control.rows(f"{failed} and pipeline = 'shadow'") != []


def _without_the_first(usual: Callable[..., pa.Table], *arguments: object) -> pa.Table:
    rows = usual(*arguments)
    first = min(rows["case_id"].to_pylist())
    return rows.filter(pa.array([case != first for case in rows["case_id"].to_pylist()]))


@pytest.mark.sampled
@pytest.mark.parametrize("effect", [*ON_THE_WAY, *SHADOW_EFFECTS])
def test_a_shadow_that_dies_is_computed_once(installation: Installation, folk: Folk, effect: str) -> None:
    request = begun(folk)
    disturbances = [f"{effect}.{end}" for end in ENDS]
    restart_until_done(installation.platform.control, disturbances)
    assert len(disturbances) < len(ENDS)
    shadow = computed(installation, request)
    assert not any(each.difference.differs for each in shadow.partitions)
    assert len(shadow.partitions) == 5
    assert installation.version_numbers(SNAPSHOT) == [1]
    command("diff", SNAPSHOT, "--shadow", request)


def test_a_paused_shadow_is_not_recorded_until_it_is_resumed(installation: Installation, folk: Folk) -> None:
    request = begun(folk)
    assert one_life("audit-record.after:kill").fired
    command("backfill", "pause", request, "--reason", "too many rows now", "--as", folk.ann)
    let_time_pass(installation.platform.control)
    installation.work()
    with installation.platform.control.read() as connection:
        assert shadows.find(connection, request) is None
    asked = ("--mode", "SHADOW", "--reason", "another one", "--as", folk.ann)
    command("backfill", "request", SNAPSHOT, LAST, *asked)
    (other,) = (
        each.backfill_run_id
        for each in approvals.requests(installation.platform.control, 10)
        if each.backfill_run_id != request
    )
    with pytest.raises(Refused, match="one at a time"):
        folk.begin(other)
    command("backfill", "resume", request, "--reason", "it is night", "--as", folk.ann)
    let_time_pass(installation.platform.control)
    computed(installation, request)


def test_maintenance_keeps_the_rows_of_a_shadow_for_their_time(
    installation: Installation, folk: Folk, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = begun(folk)
    shadow = computed(installation, request)
    command("maintain", BESIDE)
    assert shadow.branch in installation.platform.lake.table(BESIDE).refs()
    files = {file.path for each in shadow.partitions for file in each.files}
    with installation.platform.control.read() as connection:
        assert files <= maintenance_requests.named_files(connection, BESIDE)
    monkeypatch.setattr(shadows, "KEPT", timedelta(0))
    assert preview(installation.platform, BESIDE, BESIDE).would_do.branches_removed == 1
    with installation.platform.control.read() as connection:
        assert not files & maintenance_requests.named_files(connection, BESIDE)
    with pytest.raises(ConfigurationError, match="were kept for"):
        command("show", SNAPSHOT, "--partition", LAST, "--shadow", request)
    assert "no longer kept" in command("backfill", "status", request)
