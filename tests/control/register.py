"""Test helper: writes to the control tables what ingest, day close and publish would write."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from casegold.control.db import Connection

SNAPSHOT = "gold/case_daily_snapshot"
REPORT = "reports/enforcement_report"
METRICS = "gold/breach_metrics"
RUN = "0" * 64
SOURCE = "urn:regulator:case-system"


class Register:
    """Changes the control state step by step over one connection. Nothing is committed."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.seq = 0
        self.totals_seq = 0
        self.version = 0
        self.closed: list[date] = []
        connection.execute(
            "insert into run_manifest"
            " (run_id, pipeline, dataset, scope, transform_version, requested_by, state, ended_at)"
            " values (%s, 'ingest', 'test', '{}', '1', 'test', 'SUCCEEDED', now())",
            (RUN,),
        )
        connection.execute(
            "insert into run_attempt (run_id, attempt, requested_by, state, ended_at, exit_class)"
            " values (%s, 1, 'test', 'SUCCEEDED', now(), 0)",
            (RUN,),
        )

    def close(self, day: date) -> None:
        previous = self.closed[-1] if self.closed else None
        self.connection.execute(
            "insert into day_close (business_date, previous_date, barrier, signals, close_seq, totals_seq)"
            " values (%s, %s, '[]', '[]', %s, %s)",
            (day, previous, self.seq, self.totals_seq),
        )
        self.closed.append(day)

    def close_range(self, first: date, last: date) -> None:
        for offset in range((last - first).days + 1):
            self.close(first + timedelta(days=offset))

    def ingest(self, *dirty_from: date) -> int:
        """One silver commit with facts whose first changed dates are these."""
        self.seq += 1
        self.connection.execute(
            "insert into ingest_commit (dataset, seq, kind, run_id, records, accepted)"
            " values ('silver/case_events', %s, 'INGEST', %s, %s, %s)",
            (self.seq, RUN, len(dirty_from), len(dirty_from)),
        )
        for day in set(dirty_from):
            self.connection.execute(
                "insert into ingest_dates (ingest_seq, dirty_from, facts) values (%s, %s, %s)",
                (self.seq, day, dirty_from.count(day)),
            )
        return self.seq

    def totals(self, day: date, count: int, revision: int = 1) -> None:
        self.totals_seq += 1
        self.connection.execute(
            "insert into ingest_commit (dataset, seq, kind, run_id) values ('bronze/control_totals', %s, 'INGEST', %s)",
            (self.totals_seq, RUN),
        )
        self.connection.execute(
            "insert into control_total (source, business_date, event_type, count, as_of, revision, totals_seq)"
            " values (%s, %s, 'CaseOpened', %s, %s, %s, %s)",
            (SOURCE, day, count, datetime.now(UTC), revision, self.totals_seq),
        )

    def publish(self, dataset: str, *partitions: date, seen_seq: int = 0, seen_inputs: str | None = None) -> int:
        """One completed version of some partitions."""
        self.version += 1
        run_id = f"{self.version:064x}"
        self.connection.execute(
            "insert into run_manifest"
            " (run_id, pipeline, dataset, scope, transform_version, requested_by, state, ended_at)"
            " values (%s, 'snapshot', %s, '{}', '1', 'test', 'SUCCEEDED', now())",
            (run_id, dataset),
        )
        self.connection.execute(
            "insert into run_attempt (run_id, attempt, requested_by, state, ended_at, exit_class)"
            " values (%s, 1, 'test', 'SUCCEEDED', now(), 0)",
            (run_id,),
        )
        self.connection.execute(
            "insert into dataset_version (dataset, version, state, run_id, attempt, token, base_snapshot_id,"
            " staged_branch, staged_snapshot_id, snapshot_id, quality_status, publication, transform_version,"
            " contract_version, seen, completed_at)"
            " values (%s, %s, 'COMPLETED', %s, 1, gen_random_uuid(), 1, 'b', 2, 3, 'PASSED', 'OFFICIAL', '1', '1',"
            " '{}', now())",
            (dataset, self.version, run_id),
        )
        for day in partitions:
            self.connection.execute(
                "insert into partition_state"
                " (dataset, partition_key, current_version, row_count, digest_high, digest_low, seen_seq,"
                " seen_totals_seq, seen_inputs, seen_transform, seen_contract, last_run_id)"
                " values (%s, %s, %s, 1, 0, 0, %s, %s, %s, '1', '1', %s)"
                " on conflict (dataset, partition_key) do update set current_version = excluded.current_version,"
                " seen_seq = excluded.seen_seq, seen_totals_seq = excluded.seen_totals_seq,"
                " seen_inputs = excluded.seen_inputs",
                (dataset, day, self.version, seen_seq, self.totals_seq, seen_inputs, run_id),
            )
        return self.version

    def hold(self, dataset: str, first: date, last: date, *, kind: str, fingerprint: str = "") -> None:
        self.connection.execute(
            "insert into hold (dataset, partition_from, partition_to, kind, fingerprint, reason)"
            " values (%s, %s, %s, %s, %s, 'test')",
            (dataset, first, last, kind, fingerprint),
        )
