"""Every recorded exchange, replayed from a flow file and from the HAR that mitmproxy makes of it, reads the same."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from mitmproxy import http

from midwatch_core.model.changing import changed
from midwatch_core.model.exchange import Exchange
from tests.addons.replay.conftest import Recorder, call, save_flows, save_har
from tests.core.wire.recordings import ABSENT, Recording, everything


def flow_of(recording: Recording) -> http.HTTPFlow:
    uri = recording.uri.partition("#")[0]  # what follows never goes over the wire
    uri = uri if urlsplit(uri).scheme else f"https://api.openai.com{uri}"
    return call(
        uri,
        recording.request.body,
        answer=recording.response.body,
        answer_headers={name: str(value) for name, value in recording.response.headers.items()},
        headers={name: str(value) for name, value in recording.request.headers.items()},
        method=str(recording.request.head["method"]),
        status=recording.status,
    )


def said(exchange: Exchange) -> tuple[object, ...]:
    """What does not depend on how many bytes the file spent on it."""
    response = exchange.response
    return (
        changed(exchange.request, body_bytes=0),
        None if response is None else changed(response, body_bytes=0),
        exchange.endpoint,
        exchange.streamed,
        exchange.timing,
    )


@pytest.mark.skipif(not everything(), reason=ABSENT)
def test_recorded_calls_read_the_same_from_flows_and_from_har(
    replayer: Callable[..., Recorder], tmp_path: Path
) -> None:
    flows = [flow_of(recording) for recording in everything()]
    from_flows, from_har = replayer(), replayer()
    counted = from_flows.replay(save_flows(tmp_path / "flows", flows))
    again = from_har.replay(save_har(tmp_path / "har", flows))
    assert counted.calls == again.calls
    assert counted.calls.total() > 0.9 * len(flows)
    assert (counted.broken, again.broken) == (0, 0)
    for one, other in zip(from_flows.sent, from_har.sent, strict=True):
        assert said(one) == said(other)
