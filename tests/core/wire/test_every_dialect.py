"""Every dialect against what it was not written for: nothing raises, whatever is asked, answered, streamed or said."""

import json
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from midwatch_core.wire.dialect import CallDialect, Dialect
from midwatch_core.wire.dialects import BUILTIN
from midwatch_core.wire.editing.editor import StreamEditor
from midwatch_core.wire.eventstream import CONTENT_TYPE as AWS
from midwatch_core.wire.eventstream import event_message
from midwatch_core.wire.refusal import Refusal
from midwatch_core.wire.socket import MESSAGES, SocketDialect
from tests.core.wire.editing.filters import Makes
from tests.core.wire.editing.streams import NDJSON, SSE, Stream
from tests.core.wire.socket_checks import Talk
from tests.core.wire.vocabulary import ODD_BYTES, documents, words
from tests.core.wire.wire_checks import TARGET, anything, read_request, read_response, read_stream

REFUSAL = Refusal(status=403, code="policy_cut", message="Cut by policy.", request_id="req-7")
every = pytest.mark.parametrize("dialect", BUILTIN, ids=lambda dialect: dialect.id)
spoken = pytest.mark.parametrize(
    "dialect", [item for item in BUILTIN if isinstance(item, SocketDialect)], ids=lambda dialect: dialect.id
)


@every
@settings(max_examples=12)
@given(data=st.data(), status=st.sampled_from([200, 202, 400, 503]))
def test_any_document(dialect: Dialect, data: st.DataObject, status: int) -> None:
    document = data.draw(documents(dialect) | anything)
    read_request(dialect, document)
    read_response(dialect, document, status)
    if isinstance(dialect, CallDialect):
        bound = dialect.bound(document, TARGET)
        read_response(bound, data.draw(documents(dialect)), status)
        bound.refuse(REFUSAL)
        bound.refuse_in_stream(REFUSAL)


@every
@settings(max_examples=12)
@given(data=st.data(), kind=st.sampled_from([SSE, NDJSON, AWS, MESSAGES]))
def test_any_events(dialect: Dialect, data: st.DataObject, kind: str) -> None:
    names = st.sampled_from(("", *words(dialect.id)))
    events = data.draw(st.lists(st.tuples(names, documents(dialect)), max_size=4))
    chunks = [_framed(kind, name, json.dumps(document).encode()) for name, document in events]
    read_stream(dialect, chunks, content_type=kind)
    if kind != MESSAGES:
        _edit(Stream("", dialect, b"".join(chunks), kind))


@every
@pytest.mark.parametrize("odd", ODD_BYTES, ids=range(len(ODD_BYTES)))
def test_what_no_writer_writes_anywhere(dialect: Dialect, odd: bytes) -> None:
    """Some words of the dialect with such a value, alone, in a list, and with a known type; whole and broken off."""
    known = words(dialect.id)
    some = random.Random(1).sample(known, min(len(known), 12))
    document = b"{%s}" % b",".join(b'"%s":%s' % (word.encode(), odd) for word in some)
    for body in (document, b"[%s]" % document, b'{"type":"%s",' % some[0].encode() + document[1:]):
        read_request(dialect, body)
        read_response(dialect, body)
        read_stream(dialect, [b"data: %s\n\n" % body])
        read_request(dialect, body[:-1])
        read_response(dialect, body[:-1], 400)


@spoken
@settings(max_examples=20)
@given(data=st.data())
def test_any_messages(dialect: Any, data: st.DataObject) -> None:
    talk = Talk(dialect, TARGET)
    names = st.sampled_from([word for word in words(dialect.id) if "." in word])
    for _ in range(data.draw(st.integers(1, 8))):
        document = data.draw(documents(dialect))
        fields = {key: value for key, value in document.items() if key != "type"} if isinstance(document, dict) else {}
        (talk.say if data.draw(st.booleans()) else talk.hear)(data.draw(names), **fields)
    talk.broken()


def _framed(kind: str, name: str, data: bytes) -> bytes:
    if kind == SSE:
        return (b"event: %s\n" % name.encode() if name else b"") + b"data: %s\n\n" % data
    return event_message(name, data) if kind == AWS else data + (b"\n" if kind == NDJSON else b"")


def _edit(stream: Stream) -> None:
    """Through an editor that changes nothing, and one that holds text back until its end."""
    for hold in (0, None):
        editor = StreamEditor(stream.dialect, stream.cutter(), Makes(hold=hold, strict=False))
        out = editor.feed(stream.body) + editor.close()
        assert hold is None or out == stream.body
