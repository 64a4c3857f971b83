"""What a client calls its conversation, read off a flow; credentials are not looked at."""

import pytest
from mitmproxy.test import tflow, tutils

from midwatch.proxy import bridge
from midwatch_core.model.content import Json, Operation, Request
from midwatch_core.wire.decoding import DecodedRequest

ID = "0199c0de-5e55-7000-8000-000000000001"


def conversation(headers: dict[str, str], document: Json = None, own: tuple[str, ...] = ()) -> str | None:
    flow = tflow.tflow(req=tutils.treq(headers=[(name.encode(), value.encode()) for name, value in headers.items()]))
    decoded = DecodedRequest(request=Request(operation=Operation.CHAT), document=document)
    return bridge.conversation_of(flow, decoded, own)


@pytest.mark.parametrize("name", ["session-id", "Session_Id", "X-Claude-Code-Session-Id", "Helicone-Session-Id"])
def test_a_header_names_it_however_it_is_written(name: str) -> None:
    assert conversation({"authorization": "Bearer sk-1", "cookie": "session_id=c", name: ID}) == ID


def test_one_of_ones_own_comes_first() -> None:
    assert conversation({"x-ticket": "T-1", "session-id": ID}, own=("x-ticket",)) == "T-1"
    assert conversation({"x-ticket": "T-1"}) is None


def test_the_request_names_it_where_no_header_does() -> None:
    assert conversation({"authorization": "Bearer sk-1"}, {"metadata": {"session_id": ID}}) == ID
