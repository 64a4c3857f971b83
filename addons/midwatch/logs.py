"""Logs: one readable line a record on standard error, or one JSON object with MIDWATCH_LOG=json."""

import logging
import os
import sys

import structlog


def set_up_logs(process: str) -> None:
    """Send every logger's records to standard error, marked with the process they come from."""
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _named(process),
    ]
    last: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if os.environ.get("MIDWATCH_LOG") == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), pad_level=False)
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.processors.format_exc_info],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, last],
        )
    )
    for chatty in ("alembic", "asyncio", "httpx"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    logging.basicConfig(handlers=[handler], level=os.environ.get("MIDWATCH_LOG_LEVEL", "INFO").upper(), force=True)


def _named(process: str) -> structlog.typing.Processor:
    def add(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        event["process"] = process
        return event

    return add
