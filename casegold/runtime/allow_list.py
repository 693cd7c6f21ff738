"""What the contracts let in, asked before anything is sent. Not here: what ingest refuses (`jobs.ingest`)."""

from __future__ import annotations

from datetime import timedelta

from casegold.domain.calendar import BusinessCalendar, SystemClock
from casegold.domain.errors import ConfigurationError
from casegold.runtime.contracts import JUDGE, contract_file, contracts_of
from casegold.runtime.settings import Settings
from casegold.source.import_log import Allowed


def refuse_undeclared(settings: Settings, source: str, place: str) -> None:
    """Raises ConfigurationError for a source whose facts and totals ingest would reject; `place` says who names it."""
    declared = contracts_of(settings)[JUDGE].source_names
    if source not in declared:
        file = contract_file(settings.contracts_dir, JUDGE)
        raise ConfigurationError(
            f"{place}: the source {source!r} is not declared in {file}, so ingest would reject its events",
            remedy=f"name one of its sources ({', '.join(sorted(declared))}), or add it to `sources` there",
        )


def allowed(settings: Settings, calendar: BusinessCalendar) -> Allowed:
    """When events may have occurred; a later ingest lets in more, never less."""
    contract = contracts_of(settings)[JUDGE]
    earliest = calendar.end_of(contract.first_date - timedelta(days=1))
    return Allowed(earliest, SystemClock().now() + contract.max_future)
