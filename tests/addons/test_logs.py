"""Logs: a line for people, an object for machines, and a traceback in either."""

import json
import logging
import sys

import pytest

from midwatch.logs import JsonLines, Lines


def record(*, failed: bool = False) -> logging.LogRecord:
    info = None
    if failed:
        try:
            raise ValueError("no good")
        except ValueError:
            info = sys.exc_info()
    made = logging.LogRecord("midwatch.x", logging.ERROR, __file__, 1, "port %d is taken", (8080,), info)
    made.created = 1_795_401_136.0494
    return made


def test_a_line_for_people() -> None:
    assert Lines("control").format(record()) == "2026-11-23T02:32:16.049Z error   control    port 8080 is taken"


@pytest.mark.parametrize("formatter", [Lines("w0"), JsonLines("w0")])
def test_a_traceback_comes_along(formatter: logging.Formatter) -> None:
    assert "ValueError: no good" in formatter.format(record(failed=True))


def test_an_object_for_machines_on_one_line() -> None:
    line = JsonLines("w0").format(record(failed=True))
    assert "\n" not in line
    values = json.loads(line)
    assert (values["level"], values["process"], values["logger"]) == ("error", "w0", "midwatch.x")
    assert values["event"] == "port 8080 is taken"
    assert values["timestamp"].endswith("Z")
