"""Rules do not change under an old version number, and a move of the files does not change their digest."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from casegold.domain.product import Product
from casegold.runtime.product_folder import read_products
from casegold.transform.version import current, versions

PRODUCTS = read_products()
BY_TRANSFORM = {product.transform: product for product in PRODUCTS}
FIRST_RELEASE = {"breach_metrics": "369ae4df1c2a", "report": "af4a66d45469", "snapshot": "56fef1b84a31"}
"""Digests that installations of the first release have recorded: others would make their figures unverifiable."""


@pytest.mark.parametrize("product", PRODUCTS, ids=lambda product: product.name)
def test_the_rules_are_those_of_the_newest_version(product: Product) -> None:
    version = current(product)
    assert product.rules.versions[version.number] == version.digest, (
        f"rules of {product.name} changed: add version {version.number + 1} to product.yaml: {version.digest}"
    )


@pytest.mark.parametrize("product", PRODUCTS, ids=lambda product: product.name)
def test_versions_are_numbered_without_gaps_and_differ(product: Product) -> None:
    recorded = product.rules.versions
    assert list(recorded) == list(range(1, len(recorded) + 1))
    assert len(set(recorded.values())) == len(recorded)


def test_the_text_of_a_version_names_transform_number_and_rules() -> None:
    version = current(BY_TRANSFORM["snapshot"])
    assert str(version) == f"snapshot-{version.number}+{version.digest[:12]}"
    assert versions(PRODUCTS)["snapshot"] == str(version)


def test_version_1_is_what_the_first_release_recorded() -> None:
    for name, digest in FIRST_RELEASE.items():
        assert BY_TRANSFORM[name].rules.versions[1].startswith(digest)


def test_a_folder_may_move_and_comments_may_change_but_no_rule(tmp_path: Path) -> None:
    here = BY_TRANSFORM["report"]
    there = replace(here, folder=Path(shutil.copytree(here.folder, tmp_path / "moved")))
    file = there.folder / "figures.sql"
    file.write_text(f"-- a remark\n{file.read_text()}")
    assert current(there) == current(here)
    file.write_text(f"{file.read_text()} limit 1")
    assert current(there).digest != current(here).digest


def test_order_of_steps_is_part_of_the_rules(tmp_path: Path) -> None:
    product = replace(BY_TRANSFORM["report"], folder=tmp_path)
    (tmp_path / "a.sql").write_text("select 1")
    forth, back = (
        current(replace(product, rules=replace(product.rules, steps=steps))).digest
        for steps in (("a.sql", "b.sql"), ("b.sql", "a.sql"))
    )
    assert forth != back
