"""The web server as users run it: what it refuses, and that nothing official moves whatever it is asked.

The ledger decides. What Dagster shows can be made up through its GraphQL, so no figure is ever judged by it.
"""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

import dagster as dg
import pytest
from dagster_graphql.schema import create_schema
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin, Subprotocol

from casegold.control.db import ControlDb
from casegold.runtime.platform import open_platform
from casegold.runtime.settings import Settings
from casegold.scheduling.worker import run_until_idle
from casegold.servers import dagster_home, stack
from tests.conftest import own_database, own_topics
from tests.platform.conftest import LAST, send

PATIENCE_SECONDS = 900.0
SNAPSHOT = "gold/case_daily_snapshot"
LOCATION = {"repositoryName": "__repository__", "repositoryLocationName": "casegold"}
NAMES = "{ __typename }"
MOST_IDLE = 5
ENDED = {"SUCCESS", "FAILURE", "CANCELED"}

OFFICIAL = {
    "versions": "select dataset, version, state from dataset_version",
    "partitions": "select * from version_partition",
    "official": "select dataset, partition_key, current_version, digest_high, digest_low from partition_state",
    "results": "select * from quality_result",
    "holds": "select * from hold",
    "announced": "select id, payload from outbox",
    "ingested": "select * from ingest_commit",
    "closed": "select * from day_close",
    "requests": "select * from backfill_request",
    "people's decisions": "select * from fact_admission",
    "settings": "select * from setting",
}
"""What makes figures official, and what was said about it."""


@dataclass(frozen=True)
class Server:
    """A running platform with published days, and its web server."""

    settings: Settings
    control: ControlDb
    url: str

    @property
    def place(self) -> str:
        return urlsplit(self.url).netloc

    def request(
        self, method: str, path: str, body: str | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, str]:
        """Status and body; `headers` replace those that a browser on one of the server's pages would send."""
        connection = http.client.HTTPConnection(self.place, timeout=120)
        own = {"Host": self.place, "Content-Type": "application/json"} | dict(headers or {})
        connection.request(method, path, body=body, headers=own)
        answer = connection.getresponse()
        try:
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def ask(self, query: str, variables: Mapping[str, Any] | None = None) -> Any:
        """The answer to GraphQL, errors included."""
        status, body = self.request("POST", "/graphql", json.dumps({"query": query, "variables": variables or {}}))
        assert status in (200, 400, 500), body
        return json.loads(body)

    def mutate(self, name: str, **arguments: Any) -> Any:
        """Call a mutation with arguments of the types that the schema names."""
        types = {argument: str(each.type) for argument, each in MUTATIONS[name].args.items()}
        declared = ", ".join(f"${argument}: {types[argument]}" for argument in arguments)
        passed = ", ".join(f"{argument}: ${argument}" for argument in arguments)
        fields = "" if str(MUTATIONS[name].type) == "Boolean!" else NAMES
        query = (
            f"mutation M{f'({declared})' if declared else ''} {{ {name}{f'({passed})' if passed else ''} {fields} }}"
        )
        return self.ask(query, arguments)

    def official(self) -> dict[str, list[str]]:
        return {
            what: sorted(json.dumps(row, default=str, sort_keys=True) for row in self.control.rows(sql))
            for what, sql in OFFICIAL.items()
        }

    def runs(self) -> dict[str, str]:
        answer = self.ask("{ runsOrError { ... on Runs { results { runId status } } } }")
        return {run["runId"]: run["status"] for run in answer["data"]["runsOrError"]["results"]}

    def quiet(self) -> bool:
        live = self.control.rows("select run_id from run_attempt where state in ('REQUESTED', 'RUNNING')")
        owed = self.control.rows("select id from outbox where id not in (select id from outbox_delivery)")
        return not live and not owed and set(self.runs().values()) <= ENDED


MUTATIONS = create_schema().graphql_schema.mutation_type.fields


def wait_until(what: str, ready: Callable[[], Any]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not ready():
        assert time.monotonic() < deadline, f"not in {PATIENCE_SECONDS:.0f} s: {what}"
        time.sleep(1)


@pytest.fixture(scope="module")
def server(servers: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The processes of `casegold dev` over an installation of this module's own, with three published days."""
    overrides = {"first_date": "2026-03-01", "business_clock": "2026-03-04T12:00:00+00:00"}
    home = tmp_path_factory.mktemp("webserver")
    with (
        pytest.MonkeyPatch.context() as monkeypatch,
        own_database(servers, home, monkeypatch, overrides) as database,
        own_topics(database) as settings,
    ):
        dagster_home.make(settings)
        control = ControlDb(settings.control_url())
        send()
        run_until_idle(open_platform(settings))
        last = "select 1 from partition_state where dataset = %(dataset)s and partition_key = %(day)s"
        assert control.rows(last, {"dataset": SNAPSHOT, "day": LAST})
        with stack.running(settings, 0) as running:
            running.wait()
            found = Server(settings, control, running.url)
            wait_until("quiet", found.quiet)
            found.mutate("launchRun", executionParams=launch("verify_figures"))
            found.mutate("launchRun", executionParams=launch("maintenance"))
            found.mutate("launchRun", executionParams=launch("day_close"))
            wait_until("three runs of its own", lambda: len(found.runs()) >= 3 and found.quiet())
            yield found


def test_an_idle_platform_holds_few_connections(server: Server) -> None:
    """One of the relay, and those of the sensors of the last half minute; the pool closes the others one by one."""
    sql = "select pid from pg_stat_activity where application_name = 'casegold' and pid <> pg_backend_pid()"
    sql += " and datname = current_database()"
    wait_until("few connections", lambda: 0 < len(server.control.rows(sql)) <= MOST_IDLE)


QUERY = json.dumps({"query": "{ version }"})
FOREIGN = ["http://evil.example", "https://evil.example:3000", "null", "http://127.0.0.1:1", "file://"]


def test_its_own_pages_and_programs_are_served(server: Server) -> None:
    port = server.place.rpartition(":")[2]
    for host in (server.place, f"localhost:{port}", f"[::1]:{port}"):
        for origin in (
            {},
            {"Origin": f"http://{host}"},
            {"Origin": f"https://{host}", "Sec-Fetch-Site": "same-origin"},
        ):
            assert server.request("POST", "/graphql", QUERY, {"Host": host, **origin})[0] == 200
    status, page = server.request("GET", "/", headers={"Sec-Fetch-Site": "cross-site"})
    assert (status, "<html" in page) == (200, True), "a link from another page"
    with connect(
        f"ws://{server.place}/graphql", origin=Origin(server.url), subprotocols=[Subprotocol("graphql-ws")]
    ) as socket:
        socket.send(json.dumps({"type": "connection_init"}))
        assert json.loads(socket.recv())["type"] == "connection_ack"


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "10.0.0.1", "[", "localhost.evil:3000"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_another_name_is_refused(server: Server, host: str, method: str) -> None:
    for path in ("/", "/graphql", "/server_info", "/report_asset_materialization/x"):
        assert server.request(method, path, QUERY if method == "POST" else None, {"Host": host})[0] in (400, 403)


@pytest.mark.parametrize("origin", FOREIGN)
def test_another_site_is_refused(server: Server, origin: str) -> None:
    before = server.runs()
    for path in ("/graphql", f"/report_asset_materialization/{SNAPSHOT}"):
        for kind in ("application/json", "text/plain", "application/x-www-form-urlencoded"):
            headers = {"Origin": origin, "Content-Type": kind}
            assert server.request("POST", path, QUERY, headers)[0] == 403
    with pytest.raises(InvalidStatus, match="403"), connect(f"ws://{server.place}/graphql", origin=Origin(origin)):
        pass
    assert server.runs() == before


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_what_a_browser_says_of_another_site_is_believed(server: Server, site: str) -> None:
    assert server.request("POST", "/graphql", QUERY, {"Sec-Fetch-Site": site})[0] == 403


def test_no_mutation_hides_in_an_address(server: Server) -> None:
    hidden = "/graphql?query=" + quote("mutation { setNuxSeen }")
    for method in ("GET", "HEAD"):
        assert server.request(method, hidden)[0] == 403


def test_no_page_shows_it_in_a_frame(server: Server) -> None:
    connection = http.client.HTTPConnection(server.place, timeout=60)
    connection.request("GET", "/")
    headers = connection.getresponse().headers
    assert headers["X-Frame-Options"] == "DENY"
    assert "script-src" in headers["Content-Security-Policy"]


def launch(job: str, config: Any = None, tags: Mapping[str, str] | None = None, **selector: Any) -> dict[str, Any]:
    named = [{"key": key, "value": value} for key, value in (tags or {}).items()]
    return {
        "selector": {**LOCATION, "jobName": job, **selector},
        "runConfigData": config or {},
        "executionMetadata": {"tags": named},
    }


def attacks(server: Server) -> dict[str, list[dict[str, Any]]]:
    """Arguments for every mutation that there is."""
    key, check = {"path": SNAPSHOT.split("/")}, {"path": ["silver", "case_events"]}
    run_id, attempt = (
        server.control.rows(f"select run_id from run_manifest where dataset = '{SNAPSHOT}' limit 1")[0]["run_id"],  # noqa: S608
        "1",
    )
    forged = {"casegold/run_id": run_id, "casegold/attempt": attempt, "casegold/mode": "NORMAL"}
    day = {"dagster/partition": "2026-03-02"}
    span = {"dagster/asset_partition_range_start": "2026-03-01", "dagster/asset_partition_range_end": "2026-03-03"}
    some_run = next(iter(server.runs()))
    sensors = [{**LOCATION, "sensorName": name} for name in ("planner", "domain_events", "publish_events")]
    schedule = {**LOCATION, "scheduleName": "maintain"}
    made_up = {"ops": {"gold__case_daily_snapshot": {"config": {"rows": 0}}}, "resources": {"platform": {"config": {}}}}
    jobs = ["compute_case_daily_snapshot", "ingest_case_events", "compute_enforcement_report", "replay_events"]
    launches = [
        *(launch(job) for job in jobs),
        *(launch(job, tags=forged) for job in jobs),
        launch("compute_case_daily_snapshot", tags=day),
        launch("compute_case_daily_snapshot", tags={**forged, **span}),
        launch("compute_case_daily_snapshot", tags={**span, "casegold/attempt": "999", "casegold/run_id": "0" * 64}),
        launch("compute_case_daily_snapshot", made_up, day),
        launch("compute_case_daily_snapshot", tags=day, assetSelection=[key], assetCheckSelection=[]),
    ]
    again = {"parentRunId": some_run, "strategy": "ALL_STEPS", "extraTags": [{"key": "casegold/attempt", "value": "7"}]}
    backfill = {"assetSelection": [key], "partitionNames": ["2026-03-01", "2026-03-02"], "title": "attack"}
    event = {"assetKey": key, "partitionKeys": ["2026-03-02"], "description": "<b>made up</b>"}
    evaluation = {"assetKey": key, "checkName": "made_up", "passed": True, "partitionKeys": ["2026-03-02"]}
    dynamic = {"partitionsDefName": "made_up", "repositorySelector": LOCATION}
    policy = "MARK_AS_CANCELED_IMMEDIATELY"
    return {
        "launchRun": [{"executionParams": each} for each in launches],
        "launchPipelineExecution": [{"executionParams": launches[-1]}],
        "launchMultipleRuns": [{"executionParamsList": launches[:2]}],
        "launchRunReexecution": [{"reexecutionParams": again}],
        "launchPipelineReexecution": [{"reexecutionParams": {**again, "useParentRunTags": True}}],
        "launchPartitionBackfill": [
            {"backfillParams": backfill},
            {"backfillParams": {"assetSelection": [key, check], "allPartitions": True}},
            {"backfillParams": {**backfill, "tags": [{"key": k, "value": v} for k, v in forged.items()]}},
        ],
        "resumePartitionBackfill": [{"backfillId": "nosuch"}],
        "reexecutePartitionBackfill": [{"reexecutionParams": {"parentRunId": "nosuch", "strategy": "ALL_STEPS"}}],
        "cancelPartitionBackfill": [{"backfillId": "nosuch"}],
        "reportRunlessAssetEvents": [
            {"eventParams": {**event, "eventType": kind}} for kind in ("ASSET_MATERIALIZATION", "ASSET_OBSERVATION")
        ],
        "reportAssetCheckEvaluations": [{"eventParams": evaluation}],
        "addDynamicPartition": [{**dynamic, "partitionKey": "x"}],
        "deleteDynamicPartitions": [{**dynamic, "partitionKeys": ["x"], "wipeMaterializations": True}],
        "setConcurrencyLimit": [{"concurrencyKey": "casegold/lane", "limit": 0}],
        "freeConcurrencySlots": [{"runId": some_run}],
        "freeConcurrencySlotsForRun": [{"runId": some_run}],
        "deleteConcurrencyLimit": [{"concurrencyKey": "casegold/lane"}],
        "setAutoMaterializePaused": [{"paused": True}, {"paused": False}],
        "stopSensor": [{"id": "nosuch"}],
        "setSensorCursor": [{"sensorSelector": each, "cursor": "{}"} for each in sensors],
        "sensorDryRun": [{"selectorData": each, "cursor": "x"} for each in sensors],
        "resetSensor": [{"sensorSelector": each} for each in sensors],
        "startSensor": [{"sensorSelector": each} for each in sensors],
        "scheduleDryRun": [{"selectorData": schedule, "timestamp": 0.0}],
        "startSchedule": [{"scheduleSelector": schedule}],
        "stopRunningSchedule": [{"id": "nosuch"}],
        "resetSchedule": [{"scheduleSelector": schedule}],
        "setAppManagedComponent": [
            {"locationName": "casegold", "componentId": "x", "componentType": "os.system", "attributes": "{}"}
        ],
        "deleteAppManagedComponent": [{"locationName": "casegold", "componentId": "x"}],
        "refreshComponentState": [{"locationName": "casegold", "defsStateKey": "x"}],
        "logTelemetry": [{"action": "x", "clientId": "x", "clientTime": "0", "metadata": "{}"}],
        "setNuxSeen": [{}],
        "reloadRepositoryLocation": [{"repositoryLocationName": "casegold"}],
        "reloadWorkspace": [{}],
        "terminateRun": [{"runId": some_run, "terminatePolicy": policy}],
        "terminatePipelineExecution": [{"runId": some_run}],
        "terminateRuns": [{"runIds": [some_run], "terminatePolicy": policy}],
        "wipeAssets": [{"assetPartitionRanges": [{"assetKey": key}]}],
        "deletePipelineRun": [{"runId": some_run}],
        "deleteRun": [{"runId": each} for each in list(server.runs())[1:3]],
        "shutdownRepositoryLocation": [{"repositoryLocationName": "casegold"}],
    }


@pytest.mark.long("resources/", "platform_assets/", "sensors/", "uv.lock")
def test_nothing_official_moves_whatever_graphql_is_asked(server: Server) -> None:
    wanted = attacks(server)
    assert set(wanted) == set(MUTATIONS), "a mutation that no attack uses"
    before, runs_before = server.official(), set(server.runs())
    assert all(before[what] for what in ("versions", "partitions", "official", "results", "announced", "closed"))
    done: dict[str, int] = {}
    for name, calls in wanted.items():
        for arguments in calls:
            answer = server.mutate(name, **arguments)
            problems = [error["message"] for error in answer.get("errors", [])]
            assert not any("Variable" in each or "Unknown" in each for each in problems), (name, problems)
            succeeded = (answer.get("data") or {}).get(name)
            if succeeded is True or "Success" in str(succeeded):
                done[name] = done.get(name, 0) + 1
    # Else the attacks would prove nothing: these are what a person with the page open can do.
    can = {
        "launchRun",
        "launchPartitionBackfill",
        "reportRunlessAssetEvents",
        "wipeAssets",
        "terminateRun",
        "deleteRun",
    }
    print(done)
    assert can - set(done) <= {"terminateRun"}, done
    with suppress(Exception):
        server.mutate("reloadRepositoryLocation", repositoryLocationName="casegold")
    wait_until("quiet", server.quiet)
    assert set(server.runs()) - runs_before, "no run was launched"
    assert server.official() == before


@pytest.mark.long("resources/", "platform_assets/", "sensors/", "uv.lock")
def test_a_made_up_materialisation_shows_in_dagster_and_counts_nowhere(server: Server) -> None:
    key = dg.AssetKey(SNAPSHOT.split("/"))
    before = server.official()
    answer = server.mutate(
        "reportRunlessAssetEvents",
        eventParams={
            "assetKey": {"path": key.path},
            "partitionKeys": ["2026-03-03"],
            "eventType": "ASSET_MATERIALIZATION",
        },
    )
    assert "Success" in str(answer)
    wait_until("quiet", server.quiet)
    assert server.official() == before
    assert open_platform(server.settings).control.rows("select from dataset_version where state <> 'COMPLETED'") == []
