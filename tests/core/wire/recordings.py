"""Recorded exchanges with real providers, read in place from `MIDWATCH_DATA` (by default ../shared/data)."""

import base64
import functools
import gzip
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ABSENT = "recorded data absent: set MIDWATCH_DATA"


@dataclass(frozen=True)
class Message:
    """A recorded request or response; `body` is as it went over the wire, compressed or not."""

    head: Mapping[str, Any]
    headers: Mapping[str, str]
    body: bytes

    @property
    def plain(self) -> bytes:
        """The body without its content encoding, undone by the standard library alone."""
        return gzip.decompress(self.body) if self.body.startswith(b"\x1f\x8b") else self.body

    @property
    def json(self) -> Any:
        return json.loads(self.plain)

    @property
    def sse(self) -> list[Any]:
        """The data of each event, by a reading of its own: one line each, as these providers write them."""
        lines = self.plain.decode().splitlines()
        data = [line.removeprefix("data:").strip() for line in lines if line.startswith("data:")]
        return [json.loads(item) for item in data if item != "[DONE]"]

    @property
    def ndjson(self) -> list[Any]:
        return [json.loads(line) for line in self.plain.decode().splitlines() if line.strip()]


@dataclass(frozen=True)
class Recording:
    """One recorded exchange. `kind` names the dialect and whether it was streamed."""

    kind: str
    name: str
    request: Message
    response: Message

    @property
    def uri(self) -> str:
        return str(self.request.head["uri"])

    @property
    def status(self) -> int:
        return int(self.response.head["status"])


def recorded(*kinds: str) -> list[Any]:
    """Parameters for `pytest.mark.parametrize`: the recordings of `kinds`, or one that skips where there are none."""
    found = [item for item in everything() if item.kind in kinds]
    if not found:
        return [pytest.param(None, marks=pytest.mark.skip(reason=ABSENT))]
    return [pytest.param(item, id=f"{number}-{item.kind}") for number, item in enumerate(found)]


def folder() -> Path:
    """Where the recorded data should be."""
    default = Path(__file__).resolve().parents[3].parent / "shared" / "data"
    return Path(os.environ.get("MIDWATCH_DATA", default))


@functools.cache
def everything() -> list[Recording]:
    """All recordings, in their order; none where the data is absent."""
    file = folder() / "exchanges" / "exchanges.jsonl"
    if not file.is_file():
        return []
    with file.open(encoding="utf-8") as lines:
        return [_recording(json.loads(line)) for line in lines]


def _recording(item: dict[str, Any]) -> Recording:
    return Recording(
        kind=item["kind"], name=item["file"], request=_message(item["request"]), response=_message(item["response"])
    )


def _first(values: list[str] | str) -> str:
    return values[0] if isinstance(values, list) else values


def _message(item: dict[str, Any]) -> Message:
    body = item["body"] or ""
    return Message(
        head={key: value for key, value in item.items() if key not in ("body", "headers")},
        headers={
            key.lower(): values[0] if isinstance(values, list) else values for key, values in item["headers"].items()
        },
        body=base64.b64decode(body) if item["body_encoding"] == "base64" else body.encode(),
    )
