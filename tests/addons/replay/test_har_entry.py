"""HAR as browsers and Charles write it: what they leave out, put in, and undo."""

from __future__ import annotations

import base64
import contextlib
import copy
import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from midwatch.replay import har_file
from midwatch.replay.calls import NO_ANSWER, NO_REQUEST
from midwatch.replay.found import RecordingError
from midwatch.replay.har_entry import EntryError, flow_of
from tests.addons.replay.conftest import ANSWER, QUESTION, Recorder

# As Chrome writes one: HTTP/2's pseudo-headers, lengths and codings of the wire, a body that is neither.
CHROME: dict[str, Any] = {
    "startedDateTime": "2026-03-01T09:00:00.000Z",
    "time": 700.5,
    "request": {
        "method": "POST",
        "url": "https://api.openai.com/v1/chat/completions?stream=1",
        "httpVersion": "http/2.0",
        "headers": [
            {"name": ":authority", "value": "api.openai.com"},
            {"name": "Content-Type", "value": "application/json"},
            {"name": "Content-Length", "value": "9"},
        ],
        "queryString": [{"name": "stream", "value": "1"}],
        "cookies": [],
        "headersSize": -1,
        "bodySize": 9,
        "postData": {"mimeType": "application/json", "text": json.dumps(QUESTION)},
    },
    "response": {
        "status": 200,
        "statusText": "",
        "httpVersion": "http/2.0",
        "headers": [
            {"name": "content-type", "value": "application/json"},
            {"name": "content-encoding", "value": "br"},
            {"name": "content-length", "value": "77"},
        ],
        "cookies": [],
        "content": {"size": 300, "mimeType": "application/json", "text": json.dumps(ANSWER)},
        "redirectURL": "",
        "headersSize": -1,
        "bodySize": 77,
    },
    "cache": {},
    "timings": {"blocked": 20, "dns": -1, "connect": 60, "ssl": 40, "send": 20, "wait": 400, "receive": 200.5},
}


def har(file: Path, *entries: Any) -> Path:
    file.write_text(json.dumps({"log": {"version": "1.2", "creator": {}, "entries": entries}}))
    return file


def changed(**places: Any) -> dict[str, Any]:
    """The entry with values set: `request__postData=…`; ... takes a member out."""
    entry = copy.deepcopy(CHROME)
    for place, value in places.items():
        *path, last = place.split("__")
        item = entry
        for key in path:
            item = item[key]
        if value is ...:
            del item[last]
        else:
            item[last] = value
    return entry


def test_a_browsers_entry_is_a_call(replayer: Callable[..., Recorder], tmp_path: Path) -> None:
    exchange = replayer().one(har(tmp_path / "file", CHROME))
    assert exchange.decode_error is None
    assert exchange.response is not None
    assert exchange.response.segments[0].text == "Portugal ☀"
    assert exchange.endpoint.path == "/v1/chat/completions"
    # Blocked, connected (TLS in it) and sent: then the request was there.
    assert exchange.started_at.isoformat() == "2026-03-01T09:00:00.100000+00:00"
    assert (exchange.timing.ttft_ms, exchange.timing.duration_ms) == (400.0, 600.5)
    assert exchange.identity.client is None


def test_base64_is_undone_and_what_is_compressed_still_is_decompressed(
    replayer: Callable[..., Recorder], tmp_path: Path
) -> None:
    packed = base64.b64encode(gzip.compress(json.dumps(ANSWER).encode())).decode()
    content = {"size": 9, "mimeType": "application/json", "text": packed, "encoding": "base64"}
    coding = [{"name": "Content-Encoding", "value": "gzip"}, {"name": "Content-Type", "value": "application/json"}]
    entry = changed(response__content=content, response__headers=coding)
    exchange = replayer().one(har(tmp_path / "file", entry))
    assert exchange.response is not None
    assert exchange.response.segments[0].text == "Portugal ☀"


def test_an_answer_without_its_type_among_the_headers_has_that_of_its_content(
    replayer: Callable[..., Recorder], tmp_path: Path
) -> None:
    content = {"size": 30, "mimeType": "text/event-stream", "text": 'data: {"choices": []}\n\ndata: [DONE]\n\n'}
    exchange = replayer().one(har(tmp_path / "file", changed(response__headers=[], response__content=content)))
    assert exchange.streamed


@pytest.mark.parametrize(
    ("places", "side", "missing"),
    [
        ({"request__postData": ..., "request__bodySize": 9}, "request", NO_REQUEST),
        ({"request__postData": ..., "request__bodySize": -1}, "request", NO_REQUEST),
        ({"response__content": {"size": 300, "mimeType": "application/json"}}, "response", NO_ANSWER),
        ({"response__content": {"size": 300, "mimeType": "application/json", "text": ""}}, "response", NO_ANSWER),
    ],
    ids=["no-post-data", "no-size-either", "no-text", "empty-text"],
)
def test_a_body_that_the_file_lacks_is_said_to_be_missing(
    replayer: Callable[..., Recorder], tmp_path: Path, places: dict[str, Any], side: str, missing: str
) -> None:
    exchange = replayer().one(har(tmp_path / "file", changed(**places)))
    assert getattr(exchange, side).decode_error == missing


def test_a_request_that_got_no_answer_says_why(replayer: Callable[..., Recorder], tmp_path: Path) -> None:
    entry = changed(response__status=0, response___error="net::ERR_CONNECTION_REFUSED")
    exchange = replayer().one(har(tmp_path / "file", entry))
    assert (exchange.status, exchange.error) == (None, "net::ERR_CONNECTION_REFUSED")


def test_a_form_is_put_together_from_its_fields() -> None:
    post = {"mimeType": "application/x-www-form-urlencoded", "params": [{"name": "a", "value": "1 2"}, {"name": "b"}]}
    flow = flow_of(changed(request__postData=post))
    assert flow is not None
    assert flow.request.raw_content == b"a=1+2&b="


@pytest.mark.parametrize("url", ["data:text/plain,hi", "blob:https://a.example/1", "chrome-extension://abc/x.js"])
def test_what_is_no_http_is_passed_over(replayer: Callable[..., Recorder], tmp_path: Path, url: str) -> None:
    tally = replayer().replay(har(tmp_path / "file", changed(request__url=url)))
    assert (tally.others, tally.broken) == (1, 0)


def test_a_broken_entry_is_named_and_the_rest_is_read(replayer: Callable[..., Recorder], tmp_path: Path) -> None:
    broken: list[Any] = [None, [], {}, changed(request=...)]
    broken += [changed(startedDateTime="yesterday"), changed(request__headers=[1])]
    tally = replayer().replay(har(tmp_path / "file", *broken, CHROME))
    assert tally.calls.total() == 1
    assert [item.place for item in tally.named] == [f"entry {number}" for number in range(1, len(broken) + 1)]
    assert tally.named[3].reason == "not an entry of a HAR file: no 'request'"


@pytest.mark.parametrize(
    ("content", "complaint"),
    [('{"log": {"entries"', "not JSON"), ('{"log": 3}', "no log.entries"), ('{"log": {"entries": {}}}', "no list")],
    ids=["cut", "no-log", "no-list"],
)
def test_a_file_that_is_no_har_is_refused_whole(
    replayer: Callable[..., Recorder], tmp_path: Path, content: str, complaint: str
) -> None:
    (tmp_path / "file").write_text(content)
    with pytest.raises(RecordingError, match=complaint):
        replayer().replay(tmp_path / "file")


def test_a_file_too_large_for_memory_is_refused_before_it_is_read(
    replayer: Callable[..., Recorder], tmp_path: Path
) -> None:
    with (tmp_path / "file").open("wb") as file:
        file.write(b'{"log":')
        file.truncate(har_file.MAX_BYTES + 1)  # a hole: it takes no room
    with pytest.raises(RecordingError, match="are too many for one HAR document"):
        replayer().replay(tmp_path / "file")


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
_PLACES = [
    "request", "response", "timings", "startedDateTime", "request__url", "request__method", "request__headers",
    "request__postData", "request__postData__text", "response__status", "response__headers", "response__content",
    "response__content__text", "timings__wait", "_webSocketMessages", "_midwatch",
]  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(place=st.sampled_from(_PLACES), value=_JSON)
def test_any_value_in_any_place_is_a_flow_or_an_entry_error(place: str, value: Any) -> None:
    with contextlib.suppress(EntryError):
        flow_of(changed(**{place: value}))
