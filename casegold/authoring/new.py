"""Creates the folder of a new product from the template: a monthly one that passes `casegold product check`.

Not here: what a folder may contain (`runtime.product_folder`).
"""

from __future__ import annotations

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Template

from casegold.domain.errors import ConfigurationError
from casegold.runtime.contracts import JUDGE, load_contracts
from casegold.runtime.product_folder import CONTRACT, PRODUCT, SAMPLES, read_product, read_products, refuse_name
from casegold.runtime.settings import Settings
from casegold.transform.version import current

STEP = "rows.sql"
PERIOD = "2026-02-01"
_UNKNOWN = "0" * 64


def new_product(settings: Settings, directory: Path, name: str) -> Path:
    """Create the folder; return its path.

    Raises:
        ConfigurationError: the name is invalid, or the product or folder exists already.
    """
    refuse_name(name)
    folder = directory / name
    taken = [product.folder for product in read_products() if name in (product.name, product.transform)]
    if folder.exists() or taken:
        raise ConfigurationError(f"{taken[0] if taken else folder} is there already", remedy="choose another name")
    judge = load_contracts(settings.contracts_dir)[JUDGE]
    values = {
        "name": name,
        "slug": name.replace("_", "-"),
        "title": name.replace("_", " ").capitalize(),
        "first_date": judge.first_date.isoformat(),
        "max_future": str(judge.max_future.days),
        "grace_window": str(judge.grace_window.days),
    }
    template = files("casegold.authoring.template")
    _write(template / SAMPLES / "case_daily_snapshot.csv", folder / SAMPLES / PERIOD / "case_daily_snapshot.csv", {})
    _write(template / SAMPLES / "expected.csv", folder / SAMPLES / PERIOD / "expected.csv", {})
    _write(template / STEP, folder / STEP, {})
    _write(template / CONTRACT, folder / CONTRACT, values)
    _write(template / PRODUCT, folder / PRODUCT, {"digest": _UNKNOWN})
    record(folder)
    return folder


def record(folder: Path, *, is_ours: bool = False) -> None:
    """Write the digest of the present rules to the newest version in `product.yaml`."""
    product = read_product(folder, is_ours=is_ours)
    version = current(product)
    file = folder / PRODUCT
    recorded = product.rules.versions[version.number]
    file.write_text(file.read_text(encoding="utf-8").replace(recorded, version.digest), encoding="utf-8")


def _write(source: Traversable, target: Path, values: dict[str, str]) -> None:
    text = source.read_text(encoding="utf-8")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(Template(text).substitute(values) if values else text, encoding="utf-8")
