from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midwatch.simulated.service import RawRequest
from midwatch.simulated.transport.request_reader import BadRequestError, RequestReader


def taken(reader: RequestReader) -> list[RawRequest]:
    found = []
    while (raw := reader.next()) is not None:
        found.append(raw)
    return found


def in_pieces(data: bytes, cuts: list[int]) -> list[RawRequest]:
    reader = RequestReader()
    found: list[RawRequest] = []
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    for start, end in pairwise(edges):
        reader.feed(data[start:end])
        found += taken(reader)
    return found


def counted(body: bytes) -> bytes:
    return b"POST /a?b=c HTTP/1.1\r\nHost: x:1\r\nX-Two: 2\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)


def chunked(parts: list[bytes]) -> bytes:
    body = b"".join(b"%x;ext=1\r\n%b\r\n" % (len(part), part) for part in parts if part)
    return b"POST /c HTTP/1.1\r\nhost: y\r\nTransfer-Encoding: chunked\r\n\r\n" + body + b"0\r\nx-trailer: 1\r\n\r\n"


@given(
    st.binary(max_size=300), st.lists(st.binary(max_size=60), max_size=5), st.lists(st.integers(0, 2000), max_size=12)
)
def test_any_split_gives_the_same_requests(body: bytes, parts: list[bytes], cuts: list[int]) -> None:
    data = counted(body) + chunked(parts) + counted(b"") + b"GET /d HTTP/1.1\r\nhost: z\r\n\r\n"
    found = in_pieces(data, cuts)
    assert [raw.body for raw in found] == [body, b"".join(parts), b"", b""]
    assert [raw.target for raw in found] == ["/a?b=c", "/c", "/a?b=c", "/d"]
    assert found[0].headers == (("Host", "x:1"), ("X-Two", "2"), ("content-length", str(len(body))))
    assert found == in_pieces(data, [])


@given(st.binary(max_size=400))
def test_any_bytes_give_requests_or_a_bad_request(data: bytes) -> None:
    reader = RequestReader()
    reader.feed(data + b"\r\n\r\n")
    with suppress(BadRequestError):
        taken(reader)


@pytest.mark.parametrize(
    "data",
    [
        b"GET /\r\n\r\n",
        b"GET / HTTP/2\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET / HTTP/1.1\r\ncontent-length: -1\r\n\r\n",
        b"GET / HTTP/1.1\r\ncontent-length: 99999999999\r\n\r\n",
        b"GET / HTTP/1.1\r\ntransfer-encoding: gzip\r\n\r\n",
        b"GET / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n",
        b"GET / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n2\r\nabcd\r\n",
        b"GET / HTTP/1.1\r\nx: " + b"a" * 70_000,
    ],
)
def test_bad_requests(data: bytes) -> None:
    reader = RequestReader()
    reader.feed(data)
    with pytest.raises(BadRequestError):
        taken(reader)
