"""Results of the gate's checks, recorded for every judgement. Not here: judging, consequences of a verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from casegold.control.db import Connection
from casegold.domain.sql import query

ROOM = "casegold.control.versions"


def record(connection: Connection, results: Sequence[Mapping[str, Any]]) -> None:
    """Record the results of one judgement; idempotent: an existing result stays.

    Args:
        results: `run_id, attempt, partition, check, required, status, failures, expected, actual, detail, sample`.
    """
    with connection.cursor() as cursor:
        cursor.executemany(query(ROOM, "gate_result"), results)
