"""Versions of transforms: a number that people raise when results may change, and a digest of the rules themselves.

A transform is a package with `.sql` files and a `version.json`: the Python modules that hold rules, and the digest of
every version so far. Not here: any rule, and which version a run used (the manifest says that).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable

PACKAGES = {
    "breach_metrics": "products.breach_metrics",
    "report": "products.enforcement_report",
    "snapshot": "products.case_daily_snapshot",
}
"""Name of each versioned transform, as contracts call it -> its package."""


@dataclass(frozen=True, slots=True)
class TransformVersion:
    """What computed a dataset version. As text (`snapshot-1+0a1b2c3d4e5f`) it goes into run manifests."""

    name: str
    number: int
    digest: str
    """SHA-256 of the rules that are running, as hex; equal to the recorded one unless they were edited since."""

    def __str__(self) -> str:
        return f"{self.name}-{self.number}+{self.digest[:12]}"


def current(name: str) -> TransformVersion:
    """The version of a transform that is running. Raises KeyError for an unknown name."""
    return TransformVersion(name, max(recorded(name)), _digest(name))


def versions() -> dict[str, str]:
    """The running version of every transform as text, by name."""
    return {name: str(current(name)) for name in PACKAGES}


def recorded(name: str) -> dict[int, str]:
    """The digest of every version so far, by its number."""
    return {int(number): digest for number, digest in _version_file(name)["versions"].items()}


def _version_file(name: str) -> dict[str, dict[str, str]]:
    content: dict[str, dict[str, str]] = json.loads(files(PACKAGES[name]).joinpath("version.json").read_text("utf-8"))
    return content


def _digest(name: str) -> str:
    """SHA-256 over names and texts of the rule files. Comments and layout of SQL change no result: not counted."""
    modules = set(_version_file(name)["modules"])
    rules = (file for file in files(PACKAGES[name]).iterdir() if file.name.endswith(".sql") or file.name in modules)
    total = hashlib.sha256()
    for file in sorted(rules, key=lambda file: file.name):
        for text in (file.name, _essence(file)):
            content = text.encode()
            total.update(len(content).to_bytes(8, "big") + content)
    return total.hexdigest()


def _essence(file: Traversable) -> str:
    text = file.read_text("utf-8")
    if not file.name.endswith(".sql"):
        return text
    return " ".join(word for line in text.splitlines() if not line.lstrip().startswith("--") for word in line.split())
