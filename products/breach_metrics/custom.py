"""What SQL and contract do not say of the metrics: SQL with the quarter's begin, and checks between columns."""

from __future__ import annotations

from collections.abc import Sequence

from casegold.quality.custom import Custom, Judgement
from casegold.quality.results import CheckResult
from products.breach_metrics.build import build_breach_metrics
from products.breach_metrics.checks import check_breach_metrics


def _judge(asked: Judgement) -> Sequence[CheckResult]:
    return check_breach_metrics(
        asked.contract,
        asked.rows,
        asked.partitions,
        days_read=asked.days_read,
        register_start=asked.register_start,
    )


CUSTOM = Custom(compute=build_breach_metrics, judge=_judge)
