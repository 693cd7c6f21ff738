"""`Platform`: the parts that every entry point needs, opened once from the settings. Not here: any logic."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING

from casegold.control import installation, revision
from casegold.control.db import ControlDb
from casegold.control.ingest.watermarks import written
from casegold.domain.calendar import BusinessCalendar
from casegold.domain.contract import Contracts
from casegold.domain.product import Product
from casegold.runtime.contracts import contracts_of
from casegold.runtime.product_folder import read_products
from casegold.runtime.settings import Settings, load_settings
from casegold.transform import version

if TYPE_CHECKING:
    from casegold.sink.lake import Lake


@dataclass(frozen=True)
class Platform:
    """An open installation."""

    settings: Settings
    control: ControlDb
    contracts: Contracts
    calendar: BusinessCalendar
    products: tuple[Product, ...]

    @property
    def transforms(self) -> dict[str, str]:
        """The installed version of every transform."""
        return version.versions(self.products)

    @cached_property
    def lake(self) -> Lake:
        """The tables. Imports Iceberg at first use: most commands need the control database only."""
        from casegold.sink.lake import Lake  # noqa: PLC0415

        settings = self.settings
        return Lake(settings.catalog_url(), settings.warehouse_url(), self.contracts, partial(written, self.control))

    @property
    def kafka_config(self) -> dict[str, str | int]:
        return self.settings.kafka_config()


def open_platform(settings: Settings | None = None) -> Platform:
    """Open the installation that the settings describe.

    Raises:
        SourceUnavailable: its database does not answer.
        ConfigurationError: the business time zone differs from the one of the first start, or the control schema has
            another revision than this program.
    """
    settings = settings or load_settings()
    control = revision.opened(settings.control_url(), pooled=True)
    installation.install(control, settings.time_zone, settings.business_clock)
    products = read_products(settings.products_dir)
    return Platform(
        settings=settings,
        control=control,
        contracts=contracts_of(settings, products),
        calendar=BusinessCalendar(settings.time_zone),
        products=products,
    )
