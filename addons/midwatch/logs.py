"""Logs: one readable line a record on standard error, or one JSON object with MIDWATCH_LOG=json."""

import json
import logging
import os
import sys
from datetime import UTC, datetime

from midwatch.crashing import quiet_crashes
from midwatch_core.revealed import REVEALED

_CHATTY = ("alembic", "asyncio", "httpx", "uvicorn.error")


def set_up_logs(process: str) -> None:
    """Send every logger's records to standard error, marked with the process they come from; crash reports too."""
    quiet_crashes()
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines(process) if os.environ.get("MIDWATCH_LOG") == "json" else Lines(process))
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.basicConfig(handlers=[handler], level=os.environ.get("MIDWATCH_LOG_LEVEL", "INFO").upper(), force=True)


def _moment(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Lines(logging.Formatter):
    """`2026-11-23T02:32:16.049Z error   control  message`, and a traceback below where there is one."""

    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        """The line and what stands below it, without secrets."""
        return REVEALED.hide(super().format(record))

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  # logging's own name
        """The line itself; the base class adds the traceback."""
        return f"{_moment(record)} {record.levelname.lower():<8}{self._process:<10} {record.message}"


class JsonLines(logging.Formatter):
    """One JSON object a line: timestamp, level, process, logger, event, and exception where there is one."""

    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        """The record as JSON."""
        values = {
            "timestamp": _moment(record),
            "level": record.levelname.lower(),
            "process": self._process,
            "logger": record.name,
            "event": REVEALED.hide(record.getMessage()),
        }
        if record.exc_info:
            values["exception"] = REVEALED.hide(self.formatException(record.exc_info))
        return json.dumps(values, ensure_ascii=False)
