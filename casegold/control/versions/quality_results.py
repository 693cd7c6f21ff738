"""The results of the gate's checks, kept for every judgement. Not here: judging, and what a verdict causes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from casegold.control.db import Connection
from casegold.domain.sql import query

ROOM = "casegold.control.versions"


def record(connection: Connection, results: Sequence[Mapping[str, Any]]) -> None:
    """Keep the results of one judgement; a result that is there stays.

    Args:
        results: `run_id, attempt, partition, check, required, status, failures, expected, actual, detail, sample`.
    """
    with connection.cursor() as cursor:
        cursor.executemany(query(ROOM, "gate_result"), results)
