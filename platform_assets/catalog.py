"""Builds the description of an asset from its contract: key, group, owners, kinds, tags, inputs. Not here: its work."""

from __future__ import annotations

from collections.abc import Iterable

import dagster as dg

from casegold.domain.contract import DatasetContract

MAX_KINDS = 3
"""Dagster accepts at most three kinds per asset."""


def asset_key(dataset: str) -> dg.AssetKey:
    """`gold/case_daily_snapshot` as an asset key of two parts."""
    return dg.AssetKey(dataset.split("/"))


def described(
    contract: DatasetContract,
    *,
    partitions: dg.PartitionsDefinition[str] | None = None,
    code_version: str | None = None,
    deps: Iterable[dg.AssetKey] | None = None,
    skippable: bool = False,
) -> dg.AssetSpec:
    """The asset spec of a contract.

    Args:
        deps: the inputs, if the contract does not declare them.
        skippable: whether a run may end without materialising it.
    """
    return dg.AssetSpec(
        key=asset_key(contract.dataset),
        deps=[dg.AssetDep(key) for key in deps] if deps is not None else inputs_of(contract),
        description=f"{contract.title}. {contract.description}",
        group_name=contract.group,
        owners=list(contract.owners),
        kinds=set(contract.kinds[:MAX_KINDS]),
        tags=dict.fromkeys(contract.tags, ""),
        code_version=code_version,
        partitions_def=partitions,
        skippable=skippable,
        metadata={
            "contract": contract.version,
            "dagster/table_name": contract.table,
            "dagster/column_schema": columns_of(contract),
        }
        | {f"service level: {level.name}": f"{level.value} {level.unit}" for level in contract.service_levels},
    )


def inputs_of(contract: DatasetContract) -> list[dg.AssetDep]:
    """Each input once. Periods map by time; the first period may begin before its inputs."""
    mapping = dg.TimeWindowPartitionMapping(allow_nonexistent_upstream_partitions=True)
    by_time = {ref.dataset: ref.mapping != "sequence" for ref in contract.inputs}
    return [
        dg.AssetDep(asset_key(dataset), partition_mapping=mapping if periods else None)
        for dataset, periods in by_time.items()
    ]


def columns_of(contract: DatasetContract) -> dg.TableSchema:
    """The contract's columns, for the asset's page."""
    return dg.TableSchema(
        [
            dg.TableColumn(
                column.name,
                type=str(column.type),
                description=column.description,
                constraints=dg.TableColumnConstraints(nullable=not column.required),
            )
            for column in contract.columns
        ]
    )
