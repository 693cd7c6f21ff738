"""Versions of transforms: a number that people raise when results may change, and a digest of the rules themselves.

The rules are files of the product's folder, named in its `product.yaml` together with the digest of every version so
far. Not here: any rule, and which version a run used (the manifest says that).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from casegold.domain.product import Product


@dataclass(frozen=True, slots=True)
class TransformVersion:
    """What computed a dataset version. As text (`snapshot-1+0a1b2c3d4e5f`) it goes into run manifests."""

    name: str
    number: int
    digest: str
    """SHA-256 of the rules that are running, as hex; equal to the recorded one unless they were edited since."""

    def __str__(self) -> str:
        return f"{self.name}-{self.number}+{self.digest[:12]}"


def current(product: Product) -> TransformVersion:
    """The version of a product's rules that is running."""
    return TransformVersion(product.transform, max(product.rules.versions), _digest(product))


def versions(products: Iterable[Product]) -> dict[str, str]:
    """The running version of every product's rules as text, by the name of its transform."""
    return {product.transform: str(current(product)) for product in products}


def _digest(product: Product) -> str:
    """SHA-256 over names and texts of the rule files, without their folder, and over what orders and names them."""
    total = hashlib.sha256()
    for text in _texts(product):
        content = text.encode()
        total.update(len(content).to_bytes(8, "big") + content)
    return total.hexdigest()


def _texts(product: Product) -> Iterator[str]:
    rules = product.rules
    for file in sorted(product.folder.iterdir(), key=lambda file: file.name):
        if file.suffix == ".sql" or file.name in rules.modules:
            yield file.name
            yield _essence(file)
    if rules.steps:
        yield "steps"
        yield " ".join(rules.steps)
        yield "views"
        yield " ".join(f"{ref.dataset}:{ref.mapping}:{product.view_of(ref)}" for ref in product.contract.inputs)


def _essence(file: Path) -> str:
    """Comments and layout of SQL change no result: not counted."""
    text = file.read_text("utf-8")
    if file.suffix != ".sql":
        return text
    return " ".join(word for line in text.splitlines() if not line.lstrip().startswith("--") for word in line.split())
