"""`python -m resources.webserver`: Dagster's web server behind `resources.guard`; same options as `dagster-webserver`.

Dagster has no hook for custom middleware, so its server class is replaced before its command runs.
"""

from __future__ import annotations

import sys
from typing import Any

from dagster_webserver import app, cli
from dagster_webserver.webserver import DagsterWebserver
from starlette.middleware import Middleware

from casegold.runtime.settings import load_settings
from resources.guard import Guard


class GuardedWebserver(DagsterWebserver[Any, Any]):
    """Dagster's web server, with the guard as its first middleware."""

    def build_middleware(self) -> list[Middleware]:
        address = load_settings().ui_address
        return [Middleware(Guard, addresses=[address] if address else []), *super().build_middleware()]


def serve() -> None:
    """Serve until the process is ended."""
    app.DagsterWebserver = GuardedWebserver  # type: ignore[attr-defined]  # imported there, not defined
    sys.argv[0] = "dagster-webserver"
    cli.main()  # type: ignore[no-untyped-call]  # has no types


if __name__ == "__main__":
    serve()
