"""Reads product folders: the shipped ones in `products`, the installation's own ("foreign") in `CASEGOLD_PRODUCTS_DIR`.

A folder that is wrong is refused, with the file and place. Not here: what the parts mean (`domain.product`), and
running them (`jobs.product_rules`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from casegold.domain.contract import DatasetContract, InputMapping
from casegold.domain.errors import ConfigurationError
from casegold.domain.odcs import parse_contract
from casegold.domain.product import Aggregate, Figure, Product, Rules
from casegold.domain.strict_yaml import Node, read_yaml
from casegold.runtime.shipped import PRODUCTS

CONTRACT = "contract.yaml"
PRODUCT = "product.yaml"
SAMPLES = "samples"
NAME = re.compile(r"[a-z][a-z0-9_]{0,49}")
LAYERS = ("gold", "reports")
GATE = ("schema", "unique_key", "inputs_complete")
"""Checks that every product made of SQL and a contract must have as required checks."""
_STEP = re.compile(r"[a-z][a-z0-9_]*\.sql")
_MODULE = re.compile(r"[a-z][a-z0-9_]*\.py")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_BY_MAPPING = {InputMapping.SAME, InputMapping.DAYS_OF_PERIOD, InputMapping.DAY_BEFORE_PERIOD}


def read_products(foreign: Path | None = None) -> tuple[Product, ...]:
    """The shipped products, then those of the directory `foreign`.

    Raises:
        ConfigurationError: a folder is wrong, or two products have the same name.
    """
    ours = [read_product(folder, is_ours=True) for folder in _folders(PRODUCTS)]
    theirs = [] if foreign is None else _all_of(foreign_folders(foreign))
    seen: dict[str, Product] = {}
    for product in (*ours, *theirs):
        for name in {product.name, product.transform}:
            other = seen.setdefault(name, product)
            if other is not product:
                raise ConfigurationError(
                    f"{product.folder / PRODUCT}: there is another product {name!r}, in {other.folder}",
                    remedy="rename the folder, and datasetId and transform in its contract",
                )
    return (*ours, *theirs)


def _all_of(folders: Sequence[Path]) -> list[Product]:
    """The products of foreign folders. The error of the first unreadable one is raised and names the others."""
    found: list[Product] = []
    wrong: dict[str, ConfigurationError] = {}
    for folder in folders:
        try:
            found.append(read_product(folder, is_ours=False))
        except ConfigurationError as error:
            wrong[folder.name] = error
    if not wrong:
        return found
    (_, first), *others = wrong.items()
    if not others:
        raise first
    names = ", ".join(name for name, _ in others)
    raise ConfigurationError(
        f"{first.message} (other products that cannot be read: {names})",
        remedy=f"{first.remedy}; then `casegold product check {others[0][0]}`",
    ) from first


def foreign_folders(directory: Path) -> list[Path]:
    """The product folders of a directory. Raises ConfigurationError if it does not exist."""
    if not directory.is_dir():
        raise ConfigurationError(
            f"CASEGOLD_PRODUCTS_DIR: {directory} is no directory", remedy="create it, or unset the variable"
        )
    return _folders(directory)


def _folders(directory: Path) -> list[Path]:
    hidden = (".", "_")
    return sorted(each for each in directory.iterdir() if each.is_dir() and not each.name.startswith(hidden))


def refuse_name(name: str) -> None:
    """Raises ConfigurationError for an invalid product name. The name becomes that of a table, a job and a folder."""
    if not NAME.fullmatch(name):
        raise ConfigurationError(
            f"{name!r} cannot name a product",
            remedy="use at most 50 lowercase letters, digits and _, a letter first, such as overdue_cases",
        )


def read_product(folder: Path, *, is_ours: bool) -> Product:
    """The product of one folder. Raises ConfigurationError with file, place and remedy if anything is wrong."""
    refuse_name(folder.name)
    contract = parse_contract(_text(folder / CONTRACT), str(folder / CONTRACT))
    root = read_yaml(_text(folder / PRODUCT), str(folder / PRODUCT), with_lines=True)
    root.mapping(frozenset({"rules", "figures", "words", "files"}))
    product = Product(
        name=folder.name,
        folder=folder,
        contract=contract,
        is_ours=is_ours,
        rules=_rules(root.get("rules"), folder),
        figures=tuple(_figure(node, contract) for node in root.get_or("figures", []).items()),
        words={name: root.get("words").get(name).text() for name in root.get_or("words", {}).mapping()},
        has_files=root.get_or("files", True).flag(),
    )
    _check_names(product)
    if not is_ours:
        _check_foreign(product, root)
    if product.rules.steps:
        _check_made_by_sql(product, root)
    return product


def _text(file: Path) -> str:
    if not file.is_file():
        raise ConfigurationError(
            f"{file} is missing", remedy="restore it; `casegold product new NAME` creates a folder with every file"
        )
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{file} is not UTF-8: {error}", remedy="save it as UTF-8") from error


def _rules(node: Node, folder: Path) -> Rules:
    node.mapping(frozenset({"versions", "modules", "steps", "views"}))
    versions = node.get("versions")
    recorded = {number: _matching(versions, number, _DIGEST) for number in _numbers(versions)}
    views = node.get_or("views", {})
    return Rules(
        versions=recorded,
        modules=tuple(_file(each, folder, _MODULE) for each in node.get_or("modules", []).items()),
        steps=tuple(_file(each, folder, _STEP) for each in node.get_or("steps", []).items()),
        views={
            Node(name, views.file, views.path, views.whole).choice(InputMapping): views.get(name).text()
            for name in views.value
        }
        if views.mapping()
        else None,
    )


def _numbers(node: Node) -> list[int]:
    numbers: list[object] = list(node.mapping())
    if numbers != list(range(1, len(numbers) + 1)) or not numbers:
        raise node.refuse("are not numbered 1, 2, ...", "give each version of the rules its number and digest")
    return list(range(1, len(numbers) + 1))


def _matching(node: Node, number: int, pattern: re.Pattern[str]) -> str:
    value = node.value[number]
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise node.refuse(f"{value!r} is no SHA-256 of rules", "write it in quotes; `casegold product check` prints it")
    return value


def _file(node: Node, folder: Path, pattern: re.Pattern[str]) -> str:
    name = node.text()
    if not pattern.fullmatch(name):
        raise node.refuse(f"{name!r} cannot be a file of the folder", "name one such as rows.sql, without a path")
    if not (folder / name).is_file():
        raise node.refuse(f"there is no file {name} in {folder}", "add it, or correct the name")
    return name


def _figure(node: Node, contract: DatasetContract) -> Figure:
    kinds = {each.value for each in Aggregate}
    written = node.mapping(frozenset({"name", *kinds}))
    given = [kind for kind in kinds if kind in written]
    if len(given) != 1:
        raise node.refuse("has no aggregate, or several", f"give one of {', '.join(sorted(kinds))} with a column")
    column = node.get(given[0])
    numbers = [each.name for each in contract.columns if each.type.logical in ("integer", "number")]
    if column.text() not in numbers:
        raise column.refuse(
            f"{column.value!r} is no numeric column of the contract", f"its numeric columns: {', '.join(numbers)}"
        )
    return Figure(node.get("name").text(), Aggregate(given[0]), column.text())


def _check_names(product: Product) -> None:
    """The dataset must have the folder's name: jobs and shadows use it, too."""
    layer, _, name = product.contract.dataset.partition("/")
    if layer not in LAYERS or name != product.name:
        raise ConfigurationError(
            f"{product.folder / CONTRACT}: datasetId is {product.contract.dataset!r} in the folder {product.name}",
            remedy=f"write gold/{product.name} or reports/{product.name}",
        )


def _check_foreign(product: Product, root: Node) -> None:
    python = sorted(each.name for each in product.folder.rglob("*.py"))
    if python:
        raise ConfigurationError(
            f"{product.folder}: has Python, {python[0]}, which would run with all rights of the platform",
            remedy="use SQL and the contract only, or add the product to this repository's `products`",
        )
    if not product.rules.steps:
        raise root.refuse(
            "the field 'rules.steps' is missing", "list the SQL files in order; the last one returns the rows"
        )
    if product.transform != product.name:
        raise ConfigurationError(
            f"{product.folder / CONTRACT}: transform is {product.transform!r}", remedy=f"write {product.name}"
        )


def _check_made_by_sql(product: Product, root: Node) -> None:
    contract, file = product.contract, product.folder / CONTRACT
    loose = sorted(
        each.name for each in product.folder.iterdir() if each.suffix == ".sql" and each.name not in product.rules.steps
    )
    if loose:
        raise root.get("rules").get("steps").refuse(f"{loose[0]} is not listed", "add it or remove the file")
    if any(ref.mapping not in _BY_MAPPING for ref in contract.inputs) or not any(
        ref.mapping is not InputMapping.DAY_BEFORE_PERIOD for ref in contract.inputs
    ):
        raise ConfigurationError(
            f"{file}: inputs: a product in SQL reads partitions, at least those of its own period",
            remedy="map an input by daysOfPeriod or same; dayBeforePeriod is possible in addition",
        )
    views = [product.view_of(ref) for ref in contract.inputs]
    if twice := sorted({view for view in views if views.count(view) > 1}):
        raise ConfigurationError(f"{file}: inputs: two have the name {twice[0]!r} in SQL", remedy="keep one of them")
    names = {check.name: check for check in contract.checks}
    for name in GATE:
        if name not in names or not names[name].required:
            raise ConfigurationError(
                f"{file}: schema[0].quality: the required check {name!r} is missing",
                remedy="add it with `type: custom, engine: casegold, severity: error`",
            )
