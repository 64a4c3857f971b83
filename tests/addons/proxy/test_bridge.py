"""The bridge: what of a flow becomes a record, and what never does."""

import pytest

from midwatch.proxy import bridge
from midwatch_core.wire.catalogue import Match
from tests.addons.proxy.conftest import answer_head, make_flow

MATCH = Match(provider="openai", dialect="openai.chat", captures={"model": "m"})


def test_a_target_has_no_credentials() -> None:
    headers = {"authorization": "Bearer k", "x-api-key": "k", "cookie": "k", "anthropic-version": "2023-06-01"}
    target = bridge.target_of(make_flow(path="/v1/x?key=k&alt=sse&api-version=7&sig=k", headers=headers), MATCH)
    assert (target.host, target.path, target.method) == ("api.openai.com", "/v1/x", "POST")
    assert target.query == {"alt": "sse", "api-version": "7"}
    assert set(target.headers) == {"content-type", "user-agent", "anthropic-version"}
    assert target.captures == {"model": "m"}


def test_the_endpoint_is_what_the_client_wanted() -> None:
    flow = make_flow(path="/v1/x?key=k")
    flow.request.host = "127.0.0.1"
    endpoint = bridge.endpoint_of(flow, MATCH)
    assert (endpoint.host, endpoint.port, endpoint.path, endpoint.scheme) == ("api.openai.com", 443, "/v1/x", "https")


def test_without_tls_the_host_header_tells() -> None:
    flow = make_flow()
    flow.client_conn.sni = None
    flow.request.host = "10.0.0.1"
    flow.request.headers["host"] = "gpu.lan"
    assert bridge.host_of(flow) == "gpu.lan"


@pytest.mark.parametrize(
    ("length", "means"),
    [("17", 17), ("0", 0), ("", None), ("-1", None), ("1e3", None), ("0x10", None), ("9" * 19, None), (" 5", None)],
)
def test_the_length_of_an_answer(length: str, means: int | None) -> None:
    flow = make_flow()
    answer_head(flow, content_length=length)
    assert bridge.head_of(flow).length == means


def test_the_head_of_an_answer() -> None:
    flow = make_flow()
    answer_head(flow, status=529, content_type="text/event-stream; charset=utf-8", content_encoding="br")
    head = bridge.head_of(flow)
    assert (head.status, head.content_type, head.content_encoding) == (529, "text/event-stream; charset=utf-8", "br")
    assert head.length is None
    assert head.headers == {}


def test_a_dialect_sees_of_an_answers_head_what_aws_says_there_alone() -> None:
    flow = make_flow()
    answer_head(flow, x_amzn_errortype="ThrottlingException:", x_amzn_bedrock_input_token_count="9", x_other="no")
    assert bridge.head_of(flow).headers == {
        "x-amzn-errortype": "ThrottlingException:",
        "x-amzn-bedrock-input-token-count": "9",
    }


@pytest.mark.parametrize(
    ("header", "value", "flat"),
    [
        ("authorization", "Bearer sk-ant-oat01-not-a-token", True),
        ("authorization", "bearer sk-ant-oat01-not-a-token", True),
        ("authorization", "Bearer sk-ant-api03-not-a-key", False),
        ("authorization", "sk-ant-oat01-not-a-token", False),
        ("x-api-key", "sk-ant-oat01-not-a-token", False),
    ],
)
def test_a_claude_login_is_a_subscription_and_is_not_kept(header: str, value: str, flat: bool) -> None:
    flow = make_flow(headers={header: value})
    endpoint = bridge.endpoint_of(flow, MATCH)
    assert endpoint.subscription is flat
    assert "sk-ant" not in repr((endpoint, bridge.target_of(flow, MATCH)))


def test_a_route_may_be_a_subscription_s() -> None:
    match = Match(provider="github_copilot", dialect="openai.chat", subscription=True)
    assert bridge.endpoint_of(make_flow(), match).subscription
