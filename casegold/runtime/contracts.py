"""Reads the contract files: of the platform's own tables from one directory, of products from their folders.

Not here: their format and meaning (`domain.odcs`, `domain.contract`)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

from casegold.domain.contract import Contracts, DatasetContract
from casegold.domain.errors import ConfigurationError
from casegold.domain.odcs import parse_contract
from casegold.runtime.shipped import PRODUCTS

CONTRACT = "contract.yaml"
"""The contract in a product's folder."""

JUDGE = "gold/case_daily_snapshot"
"""The dataset whose contract decides for all: whose facts count, when a date is over, what is late and what is held."""


def load_contracts(directory: Path, *, first_date: date | None = None) -> Contracts:
    """Every `*.yaml` in `directory` and the contract of every product folder, checked against each other.

    A contract in `directory` of a product's dataset takes the place of the one in the product's folder: so an
    installation declares sources or tolerances of its own without an edit of what came with the program.

    Args:
        first_date: the installation's first date, for all datasets in place of the contracts' own.

    Raises:
        ConfigurationError: no such directory, no contract in it, or one that is wrong.
    """
    contracts = [contract for _, contract in _read(directory)]
    return Contracts(
        contract if first_date is None else replace(contract, first_date=first_date) for contract in contracts
    )


def contract_file(directory: Path, dataset: str) -> Path:
    """The file that describes a dataset, for messages. Raises ConfigurationError when there is none."""
    for path, contract in _read(directory):
        if contract.dataset == dataset:
            return path
    raise ConfigurationError(f"no contract in {directory} describes {dataset}", remedy="add its contract")


def _read(directory: Path) -> list[tuple[Path, DatasetContract]]:
    paths = sorted(directory.glob("*.yaml"))
    if not paths:
        raise ConfigurationError(
            f"no contracts in {directory}", remedy="point to the directory that holds the dataset contracts"
        )
    given = [(path, _parsed(path)) for path in paths]
    described = {contract.dataset for _, contract in given}
    shipped = [(path, _parsed(path)) for path in sorted(PRODUCTS.glob(f"*/{CONTRACT}"))]
    return given + [(path, contract) for path, contract in shipped if contract.dataset not in described]


def _parsed(path: Path) -> DatasetContract:
    return parse_contract(path.read_text(encoding="utf-8"), str(path))
