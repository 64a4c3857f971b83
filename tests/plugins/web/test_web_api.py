"""The REST API: rows, one exchange, sums, and errors as problems."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from midwatch_core.errors import StorageUnavailableError
from midwatch_core.listing import row_of
from midwatch_core.model.content import Json
from midwatch_core.model.exchange import Exchange
from midwatch_core.model.finding import Action, Verdict

type Make = Callable[..., Exchange]


async def test_exchanges_come_in_pages_with_the_stable_keys(house: Any, client: httpx.AsyncClient, call: Make) -> None:
    await house.traces.put([call(number) for number in range(5)])
    first = (await client.get("/api/v1/exchanges?limit=3")).json()
    assert first["exchanges"][0] == {**row_of(call(0)).as_json(), "tools_called": [], "findings": []}
    second = (await client.get("/api/v1/exchanges", params={"limit": 3, "cursor": first["cursor"]})).json()
    ids = [row["id"] for row in first["exchanges"] + second["exchanges"]]
    assert ids == [call(number).id for number in range(5)]
    assert second["cursor"] is None


async def test_every_filter_reaches_the_query_service(house: Any, client: httpx.AsyncClient) -> None:
    wanted = {"tenant": "t", "provider": "p", "model": "m", "app": "a", "agent": "g", "trace_id": "x", "status": "429"}
    wanted |= {"key_id": "k", "user": "u", "client": "::1", "session": "s", "text": "w"}
    moments = {"since": "2026-11-01T00:00:00", "until": "2026-11-02T00:00:00+01:00"}
    assert (await client.get("/api/v1/exchanges", params=wanted | moments)).status_code == 200
    (asked,) = house.traces.asked
    assert {name: str(getattr(asked, name)) for name in wanted} == wanted
    assert asked.since == datetime(2026, 11, 1, tzinfo=UTC)
    assert asked.until == datetime(2026, 11, 1, 23, tzinfo=UTC)


async def test_one_exchange_has_its_row_and_all_below_it(
    house: Any, client: httpx.AsyncClient, agent_call: Make
) -> None:
    exchange = agent_call(verdicts=(Verdict(action=Action.REDACT, findings=("f-1",), policy_line="2"),))
    await house.traces.put([exchange])
    told = (await client.get(f"/api/v1/exchanges/{exchange.id}")).json()
    row = row_of(exchange).as_json()
    assert {key: told[key] for key in row if key not in ("findings", "tools_called")} == {
        key: value for key, value in row.items() if key not in ("findings", "tools_called")
    }
    assert told["findings"][0]["severity"] == "high"
    (verdict,) = told["verdicts"]
    assert (verdict["action"], verdict["findings"], verdict["policy_line"]) == ("redact", ["f-1"], "2")
    assert told["request"]["segments"][2]["text"] == "Should I take an umbrella to Lisbon tomorrow?"
    assert told["cost"]["amount"] == "0.0001909"
    assert told["identity"]["app"] == "travel-agent"


async def test_what_json_can_hardly_hold_is_sent_all_the_same(
    house: Any, client: httpx.AsyncClient, call: Make
) -> None:
    exchange = call()
    parameters: dict[str, Json] = {"seed": 2**80, "stop": "half \ud800"}
    await house.traces.put([replace(exchange, request=replace(exchange.request, parameters=parameters))])
    response = await client.get(f"/api/v1/exchanges/{exchange.id}")
    assert response.json()["request"]["parameters"] == parameters
    assert response.json()["started_at"] == "2026-11-23T01:45:00+00:00"


@pytest.mark.parametrize("query", ["by=model,app", "by=model&by=app"])
async def test_costs_are_grouped_by_what_was_asked(
    house: Any, client: httpx.AsyncClient, call: Make, refused_call: Make, query: str
) -> None:
    await house.traces.put([call(0), call(1), refused_call(2)])
    told = (await client.get(f"/api/v1/costs?{query}&since=2026-11-01T00:00:00Z")).json()
    assert told["by"] == ["model", "app"]
    by_app = {row["app"]: row for row in told["costs"]}
    assert by_app["notebook"]["calls"] == 2
    assert by_app["notebook"]["cost_usd"] == pytest.approx(0.0003818)
    assert by_app["batch-job"]["unpriced"] == 1


@pytest.mark.parametrize(
    ("address", "status", "told"),
    [
        ("/api/v1/exchanges/none", 404, "no such exchange"),
        ("/api/v1/none", 404, "Not Found"),
        ("/api/v1/exchanges?limit=0", 422, "limit"),
        ("/api/v1/exchanges?since=yesterday", 422, "since"),
        ("/api/v1/exchanges?cursor=forged", 400, "cursor"),
        ("/api/v1/costs?by=colour", 400, "'colour' is none of day"),
    ],
)
async def test_errors_are_problems(client: httpx.AsyncClient, address: str, status: int, told: str) -> None:
    response = await client.get(address)
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert (response.status_code, problem["status"]) == (status, status)
    assert told in problem["detail"]


async def test_a_store_that_is_away_and_a_wrong_method_are_problems_too(house: Any, client: httpx.AsyncClient) -> None:
    house.traces.failure = StorageUnavailableError("gone")
    assert (await client.get("/api/v1/exchanges")).json()["status"] == 503
    refused = await client.post("/api/v1/exchanges")
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET")


async def test_a_process_without_a_store_says_so(house: Any) -> None:
    import midwatch_web

    bare = replace(house.host(), queries=None, live=None, health=None, samples=None)
    transport = httpx.ASGITransport(midwatch_web.mounts(bare)[0].app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        statuses = [
            (await client.get(path)).status_code for path in ("/calls", "/api/v1/exchanges", "/live", "/readyz")
        ]
        assert statuses == [503] * 4
        assert (await client.get("/metrics")).status_code == 200


async def test_the_api_describes_itself(client: httpx.AsyncClient) -> None:
    paths = (await client.get("/api/v1/openapi.json")).json()["paths"]
    assert {
        "/api/v1/exchanges",
        "/api/v1/exchanges.csv",
        "/api/v1/exchanges.jsonl",
        "/api/v1/exchanges/{exchange_id}",
        "/api/v1/exchanges/{exchange_id}/curl",
        "/api/v1/exchanges/{exchange_id}/diff",
        "/api/v1/exchanges/{exchange_id}/har",
        "/api/v1/exchanges/{exchange_id}/raw/{side}",
        "/api/v1/traces",
        "/api/v1/traces/{trace_id}",
        "/api/v1/costs",
        "/api/v1/live",
        "/api/v1/hosts",
    } <= set(paths)
