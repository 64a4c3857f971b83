"""What every dialect is held to: any split of the bytes gives the same, and nothing that is fed to it raises."""

import itertools
import json
from collections.abc import Iterable, Sequence
from typing import Any

from hypothesis import strategies as st

from midwatch_core.model.content import Request, Response
from midwatch_core.model.stream import StreamEvent
from midwatch_core.wire.decoding import decode_request, decode_response
from midwatch_core.wire.dialect import Dialect
from midwatch_core.wire.streaming import ResponseDecoder
from midwatch_core.wire.target import Target

TARGET = Target(host="provider.test", path="/")

anything: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.binary(max_size=4).map(repr),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


def read_request(dialect: Dialect, body: Any, target: Target = TARGET) -> Request:
    """A request from JSON or bytes."""
    return decode_request(dialect, _bytes(body), target).request


def read_response(dialect: Dialect, body: Any, status: int = 200) -> Response:
    """A response sent whole."""
    return decode_response(dialect, _bytes(body), status).response


def read_stream(
    dialect: Dialect,
    chunks: Iterable[bytes],
    *,
    content_type: str = "text/event-stream",
    status: int = 200,
    encoding: str = "",
    in_order: bool = True,
) -> tuple[Response, list[StreamEvent]]:
    """A response fed in `chunks`, and the events on the way."""
    decoder = ResponseDecoder(
        dialect, status=status, content_type=content_type, content_encoding=encoding, asked_to_stream=True
    )
    events = [event for chunk in chunks for event in decoder.feed(chunk)]
    return decoder.finish(in_order=in_order).response, events


def sse(*events: Any, named: bool = False) -> bytes:
    """Events as a provider writes them; `named` with the event's type as its name."""
    return b"".join(
        (f"event: {event['type']}\n".encode() if named else b"") + b"data: " + json.dumps(event).encode() + b"\n\n"
        for event in events
    )


def ndjson(*events: Any) -> bytes:
    """Events as lines."""
    return b"".join(json.dumps(event).encode() + b"\n" for event in events)


def texts(events: Iterable[StreamEvent]) -> dict[str, str]:
    """All that the events said, by path."""
    said: dict[str, str] = {}
    for event in events:
        if event.text:
            said[event.path] = said.get(event.path, "") + event.text
    return said


def by_path(answer: Request | Response) -> dict[str, tuple[str, str]]:
    """Path → part and text of each segment."""
    return {item.path: (item.part.value, item.text) for item in answer.segments}


def split_at(data: bytes, cuts: Sequence[int]) -> list[bytes]:
    """`data` cut at `cuts`."""
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(edges)]


cuts = st.lists(st.integers(min_value=0, max_value=1 << 20), max_size=12)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of all values in a document."""
    found = [path]
    if isinstance(value, dict):
        for key, item in value.items():
            found += places(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            found += places(item, (*path, index))
    return found


def replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """A copy of a document with the value at `path` replaced."""
    if not path:
        return new
    key, rest = path[0], path[1:]
    if isinstance(value, dict):
        return {name: replaced(item, rest, new) if name == key else item for name, item in value.items()}
    return [replaced(item, rest, new) if index == key else item for index, item in enumerate(value)]


@st.composite
def mutated(draw: st.DrawFn, *documents: Any) -> Any:
    """One of `documents` with up to three of its values replaced by anything."""
    document = draw(st.sampled_from(documents))
    for _ in range(draw(st.integers(min_value=1, max_value=3))):
        document = replaced(document, draw(st.sampled_from(places(document))), draw(anything))
    return document


def _bytes(body: Any) -> bytes:
    return body if isinstance(body, bytes) else json.dumps(body).encode()
