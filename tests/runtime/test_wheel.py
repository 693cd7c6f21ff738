"""The wheel alone is enough: built, installed into an environment of its own, used from an empty folder."""

from __future__ import annotations

import filecmp
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from casegold.runtime.shipped import REPOSITORY

LOAD_EVERYTHING = """
import json
from casegold.runtime import shipped
from casegold.runtime.contracts import load_contracts
from casegold.runtime.settings import load_settings
from casegold.source.mapping import load_mapping
from platform_assets.definitions import defs

assert "shipped" in shipped.REPOSITORY.parts, shipped.REPOSITORY
print(len(list(load_contracts(load_settings().contracts_dir).in_order())), "datasets")
print(len([json.loads(each.read_text()) for each in shipped.EVENT_SCHEMAS.glob("*.json")]), "schemas")
print(len([load_mapping(each) for each in shipped.MAPPINGS.glob("*.yaml")]), "mappings")
print(shipped.BROKER_LOCK.is_file(), shipped.INSTANCE_FILE.is_file(), shipped.WORKSPACE_FILE.is_file())
"""


def run(folder: Path, *command: str | Path) -> str:
    """What a command prints in the folder, with none of this process' settings."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("CASEGOLD_", "PYTHON"))}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from this checkout. Skipped where `uv`, which builds it, is not there."""
    uv = shutil.which("uv") or REPOSITORY / ".venv-uv" / "bin" / "uv"
    if not Path(uv).exists():
        pytest.skip("no uv to build the wheel with")
    out = tmp_path_factory.mktemp("dist")
    run(REPOSITORY, uv, "build", "--wheel", "--quiet", "--out-dir", out)
    (built,) = out.glob("casegold-*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` of an environment that has the wheel, and this environment's packages but for the checkout."""
    venv = tmp_path_factory.mktemp("venv")
    run(venv, sys.executable, "-m", "venv", venv)
    run(venv, venv / "bin" / "pip", "install", "--quiet", "--no-deps", "--no-index", wheel)
    (site,) = venv.glob("lib/python3*/site-packages")
    # A link for each: a `.pth` to the whole would bring the checkout's own `.pth` along.
    for package in Path(sysconfig.get_paths()["purelib"]).iterdir():
        if "casegold" not in package.name and not (site / package.name).exists():
            (site / package.name).symlink_to(package)
    return venv / "bin"


def test_all_contracts_load_from_an_empty_folder(installed: Path, tmp_path: Path) -> None:
    printed = run(tmp_path, installed / "python", "-W", "ignore", "-c", LOAD_EVERYTHING)
    counted = {
        "datasets": len([*REPOSITORY.glob("contracts/datasets/*.yaml"), *REPOSITORY.glob("products/*/contract.yaml")]),
        "schemas": len(list((REPOSITORY / "contracts" / "events").glob("*.json"))),
        "mappings": len(list((REPOSITORY / "contracts" / "mappings").glob("*.yaml"))),
    }
    assert printed.splitlines() == [*(f"{count} {what}" for what, count in counted.items()), "True True True"]
    assert list(tmp_path.iterdir()) == []


def test_its_commands_work_from_an_empty_folder(installed: Path, tmp_path: Path) -> None:
    assert "casegold demo" in run(tmp_path, installed / "casegold", "demo", "--help")
    assert "casegold up" in run(tmp_path, installed / "casegold", "--help")
    shown = run(tmp_path, installed / "casegold", "settings")
    assert "casegold/shipped/contracts/datasets" in shown
    assert str(tmp_path / ".casegold") in shown


def test_it_carries_what_the_checkout_has(installed: Path) -> None:
    (shipped,) = installed.parent.glob("lib/python3*/site-packages/casegold/shipped")
    for name in ("contracts", "deploy"):
        ours = sorted(path.relative_to(REPOSITORY) for path in (REPOSITORY / name).rglob("*") if path.is_file())
        theirs = sorted(path.relative_to(shipped) for path in (shipped / name).rglob("*") if path.is_file())
        assert theirs == ours
    for name in ("dagster.yaml", "workspace.yaml"):
        assert filecmp.cmp(shipped / name, REPOSITORY / name, shallow=False)
