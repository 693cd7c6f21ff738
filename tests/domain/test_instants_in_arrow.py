"""pyarrow keeps the offset of a Python datetime, whatever else is installed and whatever the environment says."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

PROGRAM = """
from datetime import UTC, datetime, timedelta, timezone
import casegold.quality.rows  # loads pandera
import pandas, pyarrow as pa
cet = timezone(timedelta(hours=1))
column = pa.array([datetime(2000, 1, 1, tzinfo=cet)], pa.timestamp("us", tz="UTC"))
assert column[0].as_py() == datetime(1999, 12, 31, 23, tzinfo=UTC), column
"""


@pytest.mark.parametrize("said", ["", "1", None])
def test_an_offset_is_not_dropped(said: str | None) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "PYARROW_IGNORE_TIMEZONE"}
    if said is not None:
        environment["PYARROW_IGNORE_TIMEZONE"] = said
    subprocess.run([sys.executable, "-c", PROGRAM], env=environment, check=True)
