"""What a client calls its conversation, in its headers or in its request."""

from typing import Any

import pytest
from hypothesis import given

from midwatch_core.model.content import Operation, Request
from midwatch_core.wire.dialects.anthropic.messages import AnthropicMessages
from midwatch_core.wire.session import SESSION_HEADERS, session_of
from tests.core.wire.wire_checks import anything, read_request

NOTHING = Request(operation=Operation.CHAT)
ID = "0199c0de-5e55-7000-8000-000000000001"


@pytest.mark.parametrize("name", SESSION_HEADERS)
def test_each_clients_header_names_its_conversation(name: str) -> None:
    assert session_of({name: ID, "x-request-id": "r"}, NOTHING, {}) == ID


@pytest.mark.parametrize(
    "body",
    [
        {"request": {"session_id": ID}, "user_prompt_id": "p"},
        {"session_id": ID},
        {"litellm_session_id": ID},
        {"metadata": {"session_id": ID}},
        {"metadata": {"langfuse_session_id": ID}},
        {"client_metadata": {"session_id": ID}},
    ],
    ids=["code-assist", "openrouter", "litellm", "metadata", "langfuse", "codex"],
)
def test_a_request_may_name_it_itself(body: Any) -> None:
    assert session_of({}, NOTHING, body) == ID


@pytest.mark.parametrize(
    "user_id", [f"user_abc_account__session_{ID}", f'{{"device_id": "d", "session_id": "{ID}"}}'], ids=["old", "json"]
)
def test_claude_code_names_it_in_its_user_id(user_id: str) -> None:
    body = {"model": "m", "messages": [], "metadata": {"user_id": user_id}}
    assert session_of({}, read_request(AnthropicMessages(), body), body) == ID


def test_a_header_comes_before_the_body_and_ones_own_before_all() -> None:
    headers = {"x-session-id": "theirs", "x-ticket": "ours"}
    assert session_of(headers, NOTHING, {"session_id": "body"}) == "theirs"
    assert session_of(headers, NOTHING, {"session_id": "body"}, own=("x-ticket",)) == "ours"


def test_a_conversation_that_the_provider_keeps_is_no_session() -> None:
    request = Request(operation=Operation.CHAT, conversation_id="conv_1")
    assert session_of({}, request, {"conversation": "conv_1", "metadata": {"ticket": "1"}}) is None


@pytest.mark.parametrize("value", ["", "  ", "a\nb", "\x1b[2J", "x" * 257])
def test_what_can_not_be_shown_on_a_line_is_no_name(value: str) -> None:
    assert session_of({"x-session-id": value}, NOTHING, {"session_id": value}) is None


@given(anything)
def test_no_document_raises(document: Any) -> None:
    session_of({}, NOTHING, document)
    session_of({}, NOTHING, {"metadata": document, "request": document})
