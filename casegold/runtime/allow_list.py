"""Checks events against the contracts before they are sent. Not here: how ingest rejects records (`jobs.ingest`)."""

from __future__ import annotations

from datetime import timedelta

from casegold.domain.calendar import BusinessCalendar, SystemClock
from casegold.domain.errors import ConfigurationError
from casegold.runtime.contracts import JUDGE, contract_file, contracts_of
from casegold.runtime.settings import Settings
from casegold.source.import_log import Allowed


def refuse_undeclared(settings: Settings, source: str, place: str) -> None:
    """Raises ConfigurationError for a source that no contract declares; `place` says, in the message, who names it."""
    declared = contracts_of(settings)[JUDGE].source_names
    if source not in declared:
        file = contract_file(settings.contracts_dir, JUDGE)
        raise ConfigurationError(
            f"{place}: the source {source!r} is not declared in {file}, so ingest would reject its events",
            remedy=f"use a declared source ({', '.join(sorted(declared))}), or add this one to `sources` there",
        )


def allowed(settings: Settings, calendar: BusinessCalendar) -> Allowed:
    """The instants at which events may have occurred. The upper limit moves with time: later, ingest accepts more."""
    contract = contracts_of(settings)[JUDGE]
    earliest = calendar.end_of(contract.first_date - timedelta(days=1))
    return Allowed(earliest, SystemClock().now() + contract.max_future)
