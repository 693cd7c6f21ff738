"""Hostile texts seen in a browser: nothing runs, nothing is asked from anywhere.

Skipped where there is no Chromium. Debian: `apt install chromium`; `CHROMIUM` names another one.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from products.enforcement_report.page import render_html
from tests.hostile import HOSTILE, MARK, TRAP
from tests.report.test_page import EVIDENCE, report

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")


class Trap(ThreadingHTTPServer):
    """Serves the pages that it is given, and notes whatever else it is asked for."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.pages: dict[str, str] = {}
        self.asked: list[str] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Trap

    def do_GET(self) -> None:
        page = self.server.pages.get(self.path)
        if page is None and self.path != "/favicon.ico":
            self.server.asked.append(self.path)
        self.send_response(200 if page is not None else 404)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write((page or "").encode())

    def log_message(self, format: str, *args: object) -> None:
        """Nothing to standard error."""


@pytest.fixture
def trap() -> Iterator[Trap]:
    server = Trap()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def seen(address: str, folder: Path) -> str:
    """The page as the browser has it once all of its scripts have run."""
    assert CHROMIUM is not None
    options = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder}", "--virtual-time-budget=3000"]
    done = subprocess.run(
        [CHROMIUM, *options, "--dump-dom", address], capture_output=True, text=True, check=True, timeout=180
    )
    return done.stdout


def test_the_report_runs_nothing_and_asks_nothing(trap: Trap, tmp_path: Path) -> None:
    texts = [text.replace(TRAP, f"{trap.address}/trap").replace("\x00", "") for text in HOSTILE]
    trap.pages["/report"] = render_html(report(*texts), EVIDENCE)
    page = seen(f"{trap.address}/report", tmp_path / "profile")
    assert "<title>Enforcement report, February 2026</title>" in page
    assert escape(texts[0], quote=False) in page, "the text is there, as a text"
    assert trap.asked == []


def test_this_browser_would_fall_into_the_trap(trap: Trap, tmp_path: Path) -> None:
    """Without it the other test would prove nothing."""
    trap.pages["/bare"] = f"<title>x</title>{HOSTILE[0]}<img src='{trap.address}/trap'>"
    page = seen(f"{trap.address}/bare", tmp_path / "profile")
    assert f"<title>{MARK}</title>" in page
    assert "/trap" in trap.asked
