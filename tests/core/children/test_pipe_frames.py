"""Frames: what was packed is read, in pieces too; what is none is refused before memory is taken for it."""

import asyncio
import os
import struct
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midwatch_core.children import frames


def piped(data: bytes) -> int:
    """A pipe's end that gives the data, from a thread: a pipe holds little."""
    hear, tell = os.pipe()

    def send() -> None:
        frames.write(tell, data)
        os.close(tell)

    threading.Thread(target=send, daemon=True).start()
    return hear


@given(st.dictionaries(st.text(), st.integers(0, 99)), st.binary())
def test_what_was_packed_is_read(header: dict[str, int], body: bytes) -> None:
    hear = piped(frames.pack(header, body) * 2)
    assert [frames.read(hear) for _ in range(3)] == [(header, body), (header, body), None]
    os.close(hear)


def test_a_frame_longer_than_a_pipe_is_read_and_one_that_was_cut_is_an_end() -> None:
    body = bytes(5_000_000)
    for data, found in ((frames.pack({}, body), ({}, body)), (frames.pack({}, body)[:-1], None)):
        hear = piped(data)
        assert frames.read(hear) == found
        os.close(hear)


async def answer(data: bytes) -> dict[str, object]:
    reader = asyncio.StreamReader()
    reader.feed_data(data)
    reader.feed_eof()
    return await frames.receive(reader)


async def test_an_answer_is_a_header() -> None:
    assert await answer(frames.pack({"items": []}, b"passed over")) == {"items": []}


@pytest.mark.parametrize(
    "data",
    [
        struct.pack(">II", frames.LONGEST_ANSWER_BYTES, 1),
        b"Traceback (most recent call last)",
        struct.pack(">II", 2, 0) + b"[]",
        struct.pack(">II", 2, 0) + b"{]",
    ],
)
async def test_nonsense_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"frame|JSON|character"):
        await answer(data)


async def test_an_end_is_an_end() -> None:
    with pytest.raises(asyncio.IncompleteReadError):
        await answer(frames.pack({"a": 1})[:-1])


def test_what_is_too_long_is_not_packed() -> None:
    with pytest.raises(frames.BrokenFrameError, match="too many"):
        frames.pack({}, bytes(frames.LONGEST_BYTES))
