"""Reads contract files: those of the platform's own tables from one directory, those of products from their folders.

Not here: format and meaning (`domain.odcs`, `domain.contract`), and the rest of a product's folder (`product_folder`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

from casegold.domain.contract import Contracts, DatasetContract
from casegold.domain.errors import ConfigurationError
from casegold.domain.odcs import parse_contract
from casegold.domain.product import Product
from casegold.runtime.product_folder import CONTRACT, read_products
from casegold.runtime.settings import Settings

JUDGE = "gold/case_daily_snapshot"
"""The dataset whose contract decides for all datasets: which sources count, when a date closes, what is late, held."""


def contracts_of(settings: Settings, products: Sequence[Product] | None = None) -> Contracts:
    """The contracts of an installation. Reads its products, unless they are passed.

    Raises:
        ConfigurationError: a contract is wrong.
    """
    products = read_products(settings.products_dir) if products is None else products
    return load_contracts(settings.contracts_dir, first_date=settings.first_date, products=products)


def load_contracts(
    directory: Path, *, first_date: date | None = None, products: Sequence[Product] | None = None
) -> Contracts:
    """Every `*.yaml` in `directory` and the contract of every product, checked against each other.

    A contract in `directory` replaces the one in the folder of a shipped product with the same dataset. So an
    installation can declare its own sources or tolerances without editing shipped files.

    Args:
        first_date: the installation's first date; replaces the one in every contract.
        products: the installation's products; by default the shipped ones.

    Raises:
        ConfigurationError: there is no such directory, it has no contract, or a contract is wrong.
    """
    contracts = [contract for _, contract in _read(directory, products)]
    return Contracts(
        contract if first_date is None else replace(contract, first_date=first_date) for contract in contracts
    )


def contract_file(directory: Path, dataset: str) -> Path:
    """The contract file of a dataset, for messages. Raises ConfigurationError if there is none."""
    for path, contract in _read(directory, None):
        if contract.dataset == dataset:
            return path
    raise ConfigurationError(f"no contract in {directory} describes {dataset}", remedy="add its contract")


def _read(directory: Path, products: Sequence[Product] | None) -> list[tuple[Path, DatasetContract]]:
    paths = sorted(directory.glob("*.yaml"))
    if not paths:
        raise ConfigurationError(
            f"no contracts in {directory}", remedy="set CASEGOLD_CONTRACTS_DIR to the directory of dataset contracts"
        )
    given = [(path, parse_contract(path.read_text(encoding="utf-8"), str(path))) for path in paths]
    described = {contract.dataset for _, contract in given}
    every = read_products() if products is None else products
    return given + [
        (p.folder / CONTRACT, p.contract) for p in every if not (p.is_ours and p.contract.dataset in described)
    ]
