"""The browser that some tests need: where it is, how it is started, and what to install where it is not."""

import os
import shutil

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
