"""One call to take along: bodies, HAR, curl; and what is said of them on its page."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import jsonschema
import pytest

from midwatch_core.frame import FrameDecoder
from midwatch_core.model.content import Response
from midwatch_core.model.exchange import Exchange
from midwatch_core.model.segment import Part, Segment
from tests.core.har_schema import HAR
from tests.plugins.web.conftest import TOOL_BODY

type Make = Callable[..., Exchange]


@pytest.fixture
async def kept(house: Any, agent_call: Make) -> Exchange:
    exchange: Exchange = agent_call()
    await house.traces.put([exchange])
    return exchange


async def test_a_request_is_put_together_again(client: httpx.AsyncClient, kept: Exchange) -> None:
    answer = await client.get(f"/api/v1/exchanges/{kept.id}/raw/request")
    assert answer.headers["content-type"] == "application/json"
    told = answer.json()
    assert told["system"] == TOOL_BODY["system"]
    assert told["messages"][0] == TOOL_BODY["messages"][0]


async def test_a_streamed_answer_is_one_piece(client: httpx.AsyncClient, kept: Exchange) -> None:
    told = (await client.get(f"/api/v1/exchanges/{kept.id}/raw/response")).json()
    assert told["content"][1] == {"text": "Yes: 7.5 mm of rain tomorrow."}
    assert told["content"][2]["input"] == {"title": "Umbrella"}


async def test_a_har_file_is_valid_and_holds_the_exchange(client: httpx.AsyncClient, kept: Exchange) -> None:
    answer = await client.get(f"/api/v1/exchanges/{kept.id}/har")
    jsonschema.validate(answer.json(), HAR)
    assert answer.headers["content-disposition"].endswith('.har"')
    (entry,) = answer.json()["log"]["entries"]
    assert json.loads(entry["request"]["postData"]["text"])["model"] == "claude-sonnet-4-5"
    assert FrameDecoder().restore(entry["_midwatch"]["exchange"]) == kept


async def test_curl_says_the_call_without_its_key(client: httpx.AsyncClient, kept: Exchange, read_html: Any) -> None:
    answer = await client.get(f"/api/v1/exchanges/{kept.id}/curl")
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.text.startswith(
        'curl --no-buffer https://api.anthropic.com/v1/messages \\\n  -H "x-api-key: $ANTHROPIC_API_KEY"'
    )
    page = read_html((await client.get(f"/exchanges/{kept.id}")).text)
    assert page.find("pre", id="curl")[0].text == answer.text.rstrip("\n")
    (button,) = page.find("button", **{"data-copy": "curl"})
    assert "hidden" in button.attributes  # without script it would do nothing


@pytest.mark.parametrize("path", ["raw/request", "raw/response", "har", "curl", "diff"])
async def test_what_is_not_there_has_no_copies(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(f"/api/v1/exchanges/none/{path}")).status_code == 404


async def test_a_side_that_was_not_kept_or_is_none_is_refused(
    house: Any, client: httpx.AsyncClient, call: Make
) -> None:
    await house.traces.put([call(response=None)])
    for side, status in (("request", 404), ("response", 404), ("middle", 422)):
        assert (await client.get(f"/api/v1/exchanges/{call().id}/raw/{side}")).status_code == status


async def test_hostile_depths_and_numbers_fail_nothing(house: Any, client: httpx.AsyncClient, call: Make) -> None:
    deep = Segment(part=Part.TOOL_CALL, path="/content/0/input", text='{"a":' * 900 + "1" + "}" * 900, hash="d")
    exchange = call(response=Response(segments=(deep,)))
    odd: dict[str, Any] = {"seed": 2**80, "stop": "half \ud800", "content": [{"input": {"$text": "d"}}]}
    exchange = replace(exchange, request=replace(exchange.request, body=odd, segments=(deep,)))
    await house.traces.put([exchange])
    for path in ("raw/request", "raw/response", "har", "curl", "diff"):
        answer = await client.get(f"/api/v1/exchanges/{exchange.id}/{path}")
        assert answer.status_code in (200, 404), path
    assert (await client.get(f"/exchanges/{exchange.id}")).status_code == 200
