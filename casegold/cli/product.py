"""`casegold product`: create the folder of a product, and test it without a server."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from casegold.domain.errors import ConfigurationError
from casegold.runtime.settings import Settings, load_settings

if TYPE_CHECKING:
    from casegold.authoring.check import Bench
    from casegold.domain.product import Product


@click.group()
def product() -> None:
    """Create and check datasets of your own: each is a folder with a contract, SQL and samples.

    docs/adding-a-product.md shows it step by step.

    \b
    Examples:
      casegold product new cases_by_region --into my-products
      casegold product check
    """


@product.command()
@click.argument("name")
@click.option(
    "--into", type=click.Path(path_type=Path), help="Directory to create the folder in; default: CASEGOLD_PRODUCTS_DIR."
)
def new(name: str, into: Path | None) -> None:
    """Create the folder of the product NAME. It holds a complete monthly example for you to change.

    \b
    Examples:
      casegold product new cases_by_region --into my-products
    """
    from casegold.authoring.new import new_product  # noqa: PLC0415 - needed by this command only

    settings = load_settings()
    directory = into or settings.products_dir
    if directory is None:
        raise ConfigurationError(
            "no directory for products is set",
            remedy="set CASEGOLD_PRODUCTS_DIR to a directory of yours, or give --into",
        )
    folder = new_product(settings, directory, name)
    for file in sorted(each for each in folder.rglob("*") if each.is_file()):
        click.echo(f"{file}")
    click.echo(f"Next: change them, then `casegold product check {name}`")


@product.command()
@click.argument("name", required=False)
@click.option(
    "--record", is_flag=True, help="First record the digest of the changed rules. Use only before the first publish."
)
def check(name: str | None, record: bool) -> None:
    """Validate products and run them on their samples. NAME limits this to one product; no server has to run.

    \b
    Examples:
      casegold product check
      casegold product check enforcement_report
    """
    from casegold.authoring.check import Bench  # noqa: PLC0415 - loads DuckDB
    from casegold.authoring.new import record as write  # noqa: PLC0415
    from casegold.domain.calendar import BusinessCalendar  # noqa: PLC0415 - needed by this command only
    from casegold.jobs.product_rules import limits_of  # noqa: PLC0415
    from casegold.runtime.contracts import contracts_of  # noqa: PLC0415
    from casegold.runtime.product_folder import read_products  # noqa: PLC0415

    settings = load_settings()
    wanted = [each for each in read_products(settings.products_dir) if name in (None, each.name)]
    if not wanted:
        raise ConfigurationError(f"there is no product {name!r}", remedy=_known(settings))
    if record:
        for each in wanted:
            write(each.folder, is_ours=each.is_ours)
        wanted = [each for each in read_products(settings.products_dir) if name in (None, each.name)]
    bench = Bench(contracts_of(settings), BusinessCalendar(settings.time_zone), limits_of(settings))
    for each in wanted:
        _tell(each, bench)


def _known(settings: Settings) -> str:
    from casegold.runtime.product_folder import read_products  # noqa: PLC0415

    return f"products: {', '.join(each.name for each in read_products(settings.products_dir))}"


def _tell(each: Product, bench: Bench) -> None:
    from casegold.authoring.check import check_rules, try_samples  # noqa: PLC0415 - loads DuckDB

    contract = each.contract
    click.echo(f"{each.name}: {contract.dataset}, one partition for each {contract.partitioned_by} ({each.folder})")
    for ref in contract.inputs:
        columns = ", ".join(column.name for column in bench.contracts[ref.dataset].columns)
        click.echo(f"  reads {ref.dataset} ({ref.mapping}) as {each.view_of(ref)}: {columns}")
    click.echo(f"  makes {', '.join(column.name for column in contract.columns)}")
    click.echo(f"  is judged by {', '.join(rule.name for rule in contract.checks)}")
    click.echo(f"  rules {check_rules(each)}")
    if contract.reads_sequence:
        click.echo("  samples: none, because it is computed from facts")
        return
    for tried in try_samples(each, bench):
        click.echo(f"  sample {tried.period}: as expected; rows: {tried.rows}, checks passed: {len(tried.results)}")


commands = (product,)
