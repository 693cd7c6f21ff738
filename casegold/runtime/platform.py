"""The parts that every entry point needs, opened once from the settings. Not here: any logic."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from casegold.domain.calendar import BusinessCalendar
from casegold.domain.contract import Contracts
from casegold.domain.product import Product
from casegold.manifest import installation
from casegold.manifest.db import ControlDb
from casegold.runtime.contracts import contracts_of
from casegold.runtime.product_folder import read_products
from casegold.runtime.settings import Settings, load_settings
from casegold.sink.lake import Lake
from casegold.transform import version


@dataclass(frozen=True)
class Platform:
    """An open installation. Cheap: servers are reached when first asked."""

    settings: Settings
    control: ControlDb
    contracts: Contracts
    calendar: BusinessCalendar
    products: tuple[Product, ...]

    @property
    def transforms(self) -> dict[str, str]:
        """The version of every transform as it is installed now."""
        return version.versions(self.products)

    @cached_property
    def lake(self) -> Lake:
        return Lake(self.settings.catalog_url(), self.settings.warehouse_url(), self.contracts)

    @property
    def kafka_config(self) -> dict[str, str | int]:
        return self.settings.kafka_config()


def open_platform(settings: Settings | None = None) -> Platform:
    """Open the installation that the settings name.

    Raises:
        SourceUnavailable: its servers are not up.
        ConfigurationError: the business time zone is not the one it was started with.
    """
    settings = settings or load_settings()
    control = ControlDb(settings.control_url())
    installation.install(control, settings.time_zone, settings.business_clock)
    return Platform(
        settings=settings,
        control=control,
        contracts=contracts_of(settings),
        calendar=BusinessCalendar(settings.time_zone),
        products=read_products(settings.products_dir),
    )
