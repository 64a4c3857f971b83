"""`ml export`: texts whose findings people judged, as a data set: masked, as they are kept."""

import asyncio
import hashlib
import json
import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from midwatch_core import (
    ConfigError,
    Direction,
    Exchange,
    FindingFilter,
    FindingRow,
    Host,
    Queries,
    TriageState,
)

# Findings that say: this text wants to steer the model.
_CATEGORIES = ("prompt_injection", "indirect_injection", "jailbreak", "system_prompt_extraction")
_PAGE = 200
# What a judgement makes of a text. The first has the last word on a text that is there twice.
_LABELS = {TriageState.ACKNOWLEDGED: 1, TriageState.FALSE_POSITIVE: 0, TriageState.OPEN: None}


def export(host: Host, *, tenant: str | None, with_open: bool, output: Path | None) -> int:
    """Write a line a text: `{"text", "label", "source", "part"}`. Raises ConfigError, StorageError."""
    states = [state for state in _LABELS if with_open or state is not TriageState.OPEN]
    with _opened(output) as file:
        count = asyncio.run(_written(host, states, tenant, file))
    print(f"midwatch: {count:,} texts", file=sys.stderr)
    return 0


async def _written(host: Host, states: list[TriageState], tenant: str | None, file: TextIO) -> int:
    if host.stored is None:
        raise ConfigError("ml export: there is no store here")
    seen: set[bytes] = set()
    async with host.stored() as queries:
        for state in states:
            async for row in _rows(queries, state, tenant):
                digest = hashlib.sha256(row["text"].encode("utf-8", "replace")).digest()
                if digest not in seen:
                    seen.add(digest)
                    file.write(json.dumps(row) + "\n")
    return len(seen)


async def _rows(queries: Queries, state: TriageState, tenant: str | None) -> AsyncIterator[dict[str, Any]]:
    for category in _CATEGORIES:
        async for finding in _findings(queries, FindingFilter(category=category, tenant=tenant), state):
            exchange = await queries.exchange(finding.exchange_id)
            text = _text_of(exchange, finding) if exchange is not None else ""
            if text:
                yield {"text": text, "label": _LABELS[state], "source": "triage", "part": finding.part}


async def _findings(queries: Queries, wanted: FindingFilter, state: TriageState) -> AsyncIterator[FindingRow]:
    cursor: str | None = None
    while True:
        page = await queries.findings(wanted, state=state, limit=_PAGE, cursor=cursor)
        for row in page.rows:
            yield row
        cursor = page.cursor
        if cursor is None:
            return


def _text_of(exchange: Exchange, finding: FindingRow) -> str:
    """The text a finding is in; empty where it is about a call as a whole, or the text is not kept."""
    content = exchange.request if finding.direction == Direction.REQUEST else exchange.response
    segments = content.segments if content is not None else ()
    return next((segment.text for segment in segments if segment.path == finding.path), "")


@contextmanager
def _opened(output: Path | None) -> Iterator[TextIO]:
    """Where to write: what is said in calls is for its owner's eyes alone."""
    if output is None:
        yield sys.stdout
        return
    try:
        with open(os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:  # noqa: PTH123  # by descriptor
            yield file
    except OSError as error:
        raise ConfigError(f"--output {output}: {error.strerror}") from error
