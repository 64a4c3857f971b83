"""Requests that would be others, or none, in another version of HTTP."""

from __future__ import annotations

from typing import Any

import pytest
from mitmproxy import http

from midwatch.proxy.admission.admitting import DENIED
from midwatch.proxy.edges.refusing import REFUSED, Refusing
from midwatch.proxy.edges.shape import Shape
from midwatch.proxy.edges.telling import Telling
from midwatch.proxy.numbers import WORKER
from midwatch_core.clock import SystemClock
from midwatch_core.metrics import Metrics
from tests.addons.proxy.conftest import make_flow


@pytest.fixture
def shape() -> Any:
    metrics = Metrics()
    metrics.declare(WORKER)
    return Shape(Refusing(metrics, Telling(SystemClock())))


def counted(shape: Any) -> float:
    metrics: Metrics = shape._refusing.metrics
    return sum(item.values[0] for item in metrics.samples([REFUSED]))


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("path", b"/v1 HTTP/1.1"),
        ("path", b"/v1\r\nx: y"),
        ("path", b"/\x7f"),
        ("method", b"GET /x"),
        ("method", b"G\0"),
    ],
)
def test_a_target_with_blanks_is_refused(shape: Any, part: str, value: bytes) -> None:
    flow = make_flow()
    setattr(flow.request.data, part, value)
    shape.requestheaders(flow)
    assert flow.response is not None
    assert flow.response.status_code == 400
    assert DENIED in flow.metadata
    assert counted(shape) == 1


def test_a_request_is_as_long_as_it_says(shape: Any) -> None:
    """HTTP/2: a head that ends its stream, and tells of a body; a server of HTTP/1.1 would wait for it."""
    flow = make_flow(body=b"", headers={"content-length": "3"})
    flow.request.headers["content-length"] = "3"
    shape.request(flow)
    assert flow.response is not None
    assert flow.response.status_code == 400


@pytest.mark.parametrize(("body", "length"), [(b"abc", "3"), (b"", "0"), (b"abc", None), (None, "3")])
def test_honest_requests_pass(shape: Any, body: bytes | None, length: str | None) -> None:
    flow = make_flow()
    flow.request.data.path = b"/v1/caf%C3%A9?q=\xe9"
    flow.request.raw_content = body  # None: it streams
    flow.request.headers.pop("content-length", None)
    if length is not None:
        flow.request.headers["content-length"] = length
    shape.requestheaders(flow)
    shape.request(flow)
    assert flow.response is None
    assert flow.error is None
    assert counted(shape) == 0


def test_who_was_refused_already_is_left_alone(shape: Any) -> None:
    flow = make_flow()
    flow.request.data.path = b"/a b"
    flow.response = http.Response.make(407)
    shape.requestheaders(flow)
    assert flow.response.status_code == 407
