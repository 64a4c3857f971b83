"""The browser that some tests need: where it is, how it is started, and what to install where it is not."""

import os
import shutil
from typing import Any

import pytest

ASK = "a browser: uv run --group browser pytest tests/plugins/web, MIDWATCH_CHROMIUM=/usr/bin/chromium"
CHROMIUM = os.environ.get("MIDWATCH_CHROMIUM") or shutil.which("chromium")
# Quiet on a machine without a network; no sandbox, because tests may run as root in a container.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# Playwright's own patience, 5 s, is too little for a machine with much else to do.
_PATIENCE_MS = 60_000


def driven(api: str) -> Any:
    """Playwright's module of that name, whose expectations wait long enough. Without it, its asker is skipped."""
    module = pytest.importorskip(f"playwright.{api}", reason=ASK)
    module.expect.set_options(timeout=_PATIENCE_MS)
    return module
