"""Transform versions: a number that people raise when results may change, and a digest of the rules.

The rules are files of the product's folder. Its `product.yaml` records them and the digest of every version so far.
Not here: any rule, and which version a run used (its manifest records that).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from casegold.domain.product import Product


@dataclass(frozen=True, slots=True)
class TransformVersion:
    """The rules that compute a dataset version. Run manifests record it as text (`snapshot-1+0a1b2c3d4e5f`)."""

    name: str
    number: int
    digest: str
    """SHA-256 (hex) of the current rules; it differs from the recorded one if they were edited since."""

    def __str__(self) -> str:
        return f"{self.name}-{self.number}+{self.digest[:12]}"


def current(product: Product) -> TransformVersion:
    """The version of a product's current rules."""
    return TransformVersion(product.transform, max(product.rules.versions), _digest(product))


def versions(products: Iterable[Product]) -> dict[str, str]:
    """The version of every product's current rules as text, by the name of its transform."""
    return {product.transform: str(current(product)) for product in products}


def _digest(product: Product) -> str:
    """SHA-256 over names and texts of the rule files, without their folder, and over their order and view names."""
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
    """The text that counts: comments and layout of SQL change no result, so they are left out."""
    text = file.read_text("utf-8")
    if file.suffix != ".sql":
        return text
    return " ".join(word for line in text.splitlines() if not line.lstrip().startswith("--") for word in line.split())
