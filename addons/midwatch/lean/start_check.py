"""Stops a start that went wrong with an exception of ours, where stock prints a line and exits the process."""

from __future__ import annotations

import logging

from mitmproxy.addons.errorcheck import ErrorCheck


class StartError(Exception):
    """mitmproxy could not start: a port is taken, a certificate is unreadable, an option is wrong."""


class StartCheck(ErrorCheck):
    """mitmproxy's `errorcheck`, for its own log records only, raising `StartError` with what they said."""

    name = "errorcheck"  # Master.run() asks for it by this name

    async def shutdown_if_errored(self) -> None:
        """Raise StartError if mitmproxy logged an error since this addon was made."""
        own = [record for record in self.logger.has_errored if record.name.startswith("mitmproxy")]
        if own:
            self.logger.uninstall()
            raise StartError("; ".join(_text(record) for record in own))


def _text(record: logging.LogRecord) -> str:
    return record.getMessage().replace("\n", " ")
