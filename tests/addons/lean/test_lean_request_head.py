"""Heads of requests as they stand on the wire: those that all readers read alike, and those they may not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midwatch.lean.request_head import objection_to_head

LINE = b"POST http://a/x HTTP/1.1\r\n"


@pytest.mark.parametrize(
    "head",
    [
        LINE + b"Host: a\r\n\r\n",
        b"GET / HTTP/1.0\r\n\r\n",
        b"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n",
        b"M-SEARCH * HTTP/1.1\r\nHost: a\r\n\r\n",
        LINE + b"Host: a\r\nX-Tab: a\tb\r\nX-Latin: \xe9\r\nX-Empty:\r\nContent-Length: 3\r\n\r\n",
        b"GET /h%C3%A9?q=\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n",
        LINE + b"Host: a\r\nX-Host: b\r\nHostess: c\r\n\r\n",
    ],
    ids=["plain", "old", "connect", "other-method", "values", "utf8", "almost-host"],
)
def test_heads_of_honest_clients_pass(head: bytes) -> None:
    assert objection_to_head(head) is None


@pytest.mark.parametrize(
    ("head", "word"),
    [
        (b"GET / HTTP/1.1\nHost: a\n\n", "CR"),
        (LINE + b"Host: a\nContent-Length: 3\r\n\r\n", "CR"),
        (LINE + b"Host: a\r\nX: b\rContent-Length: 3\r\n\r\n", "control"),
        (LINE + b"Host: a\r\nX: b\0c\r\n\r\n", "control"),
        (LINE + b"Host: a\r\nX: b\r\n folded: c\r\n\r\n", "folded"),
        (LINE + b"Host: a\r\nTransfer-Encoding:\r\n\tchunked\r\n\r\n", "folded"),
        (LINE + b"Host: a\r\nhOST: b\r\n\r\n", "Host"),
        (b"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", "request line"),
        (b"GET / HTTP/1.1 \r\nHost: a\r\n\r\n", "request line"),
        (b"GET\t/\tHTTP/1.1\r\nHost: a\r\n\r\n", "request line"),
        (b"GET /\x0b HTTP/1.1\r\nHost: a\r\n\r\n", "request line"),
        (b"GET / HTTP/2.0\r\nHost: a\r\n\r\n", "request line"),
        (b"GET / HTTP/9.9\r\nHost: a\r\n\r\n", "request line"),
        (b"GET /\r\nHost: a\r\n\r\n", "request line"),
        (b"\r\n\r\n", "request line"),
        (b"PRI * HTTP/2.0\r\n\r\n", "request line"),
        (b"CONNECT a:443 HTTP/1.1\r\nContent-Length: 3\r\n\r\n", "CONNECT"),
        (b"CONNECT a:443 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", "CONNECT"),
    ],
    ids=range(18),
)
def test_what_two_readers_read_differently_is_named(head: bytes, word: str) -> None:
    objection = objection_to_head(head)
    assert objection is not None
    assert word in objection


@given(st.binary(max_size=300))
def test_any_bytes_are_read_without_an_error(data: bytes) -> None:
    objection = objection_to_head(data + b"\r\n\r\n")
    assert objection is None or objection.isprintable()
