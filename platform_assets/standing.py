"""The standing checks as asset checks, with exact counts, capped samples and remedies. Not here: the queries."""

from collections.abc import Iterator, Sequence

import dagster as dg

from casegold.control.integrity.standing_checks import Answer, Question
from platform_assets import metadata
from platform_assets.catalog import asset_key
from resources.platform import PlatformResource


def standing_checks(name: str, questions: Sequence[Question]) -> dg.AssetChecksDefinition:
    """One step that evaluates these standing checks."""
    specs = [dg.AssetCheckSpec(q.name, asset=asset_key(q.dataset), description=q.meaning) for q in questions]

    @dg.multi_asset_check(name=name, specs=specs)
    def checks(platform: dg.ResourceParam[PlatformResource]) -> Iterator[dg.AssetCheckResult]:
        from casegold.operations.standing_checks import answers  # noqa: PLC0415 - loads Iceberg

        for answer in answers(platform.open(), questions):
            yield check_result(answer)

    return checks


def check_result(answer: Answer) -> dg.AssetCheckResult:
    """The answer to a standing check as a Dagster check result."""
    question = answer.question
    entries: metadata.Metadata = {"count": dg.MetadataValue.int(answer.count)}
    if answer.count:
        entries["what to do"] = dg.MetadataValue.md(question.recovery)
    return dg.AssetCheckResult(
        asset_key=asset_key(question.dataset),
        check_name=question.name,
        passed=answer.count == 0,
        severity=dg.AssetCheckSeverity.ERROR if question.urgent and not answer.calm else dg.AssetCheckSeverity.WARN,
        description=f"{answer.count:,}: {question.recovery}" if answer.count else question.meaning,
        metadata=entries | metadata.of_sample(answer.sample),
    )
