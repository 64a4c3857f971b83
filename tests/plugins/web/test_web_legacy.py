"""The predecessor's paths: the shapes its clients read, the successor's name, the same keys and tenants as all else."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from midwatch_core.model.finding import Finding, Severity
from midwatch_core.model.identity import Identity
from tests.plugins.web.conftest import make_call
from tests.plugins.web.installed import InstalledHouse, Keys, installed_house

GETS = ["/traces", "/spans", "/stats", "/security/findings", "/costs/current", "/auth/keys", "/tenants"]
# Where /api/v1 has a path of its own, it answers as its own.
UNDER_API = [f"/api/v1{path}" for path in GETS if path not in ("/traces", "/tenants")]
SPAN = {
    "trace_id",
    "span_id",
    "parent_span_id",
    "tenant_id",
    "operation_name",
    "start_time",
    "end_time",
    "provider",
    "model_name",
    "prompt",
    "response",
    "prompt_tokens",
    "completion_tokens",
    "total_tokens",
    "time_to_first_token_ms",
    "duration_ms",
    "status_code",
    "error_message",
    "estimated_cost_usd",
    "security_score",
    "security_findings",
    "tags",
    "events",
    "agent_actions",
}


def finding(severity: Severity) -> Finding:
    return Finding(
        id="f", rule="own/words/zephyr", category="jailbreak", severity=severity, confidence=0.9, message="m"
    )


async def filled(folder: Path, **options: Any) -> InstalledHouse:
    house = await installed_house(folder, **options)
    acme = Identity(tenant="acme", app="notebook")
    calls = [
        make_call(1),
        replace(make_call(2), findings=(finding(Severity.LOW),)),
        replace(make_call(3), identity=acme, findings=(finding(Severity.CRITICAL),)),
    ]
    await house.traces.put(calls)
    return house


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    house = await filled(tmp_path)
    async with house.client(headers={"Accept": "application/json"}) as client:
        yield client


@pytest.mark.parametrize("path", [*GETS, *UNDER_API])
async def test_an_old_path_answers_and_names_its_successor(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert answer.headers["deprecation"].startswith("@")
    successor = answer.headers["link"].removeprefix("<").partition(">")[0]
    assert answer.headers["link"].endswith('rel="successor-version"')
    assert (await client.get(successor)).status_code == 200


@pytest.mark.parametrize("path", GETS)
async def test_a_browser_is_shown_to_the_page(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path, headers={"Accept": "text/html,application/xhtml+xml"})
    assert answer.status_code == 303
    assert (await client.get(answer.headers["location"], headers={"Accept": "text/html"})).status_code == 200


async def test_spans_have_the_predecessors_keys(client: httpx.AsyncClient) -> None:
    page = (await client.get("/spans?limit=2")).json()
    assert (page["total"], page["limit"], page["offset"]) == (3, 2, 0)
    span = page["data"][0]
    assert set(span) == SPAN
    assert (span["provider"], span["operation_name"], span["response"]) == ("OpenAI", "chat_completion", "Paris.")
    assert span["prompt"] == "You are brief.\nWhat is the capital of France?"
    assert (span["total_tokens"], span["security_score"]) == (1290, None)
    assert (await client.get(f"/spans/{span['span_id']}")).json() == span
    assert (await client.get("/spans/nosuch")).status_code == 404


async def test_spans_are_paged_by_offset(client: httpx.AsyncClient) -> None:
    ids = [span["span_id"] for span in (await client.get("/spans")).json()["data"]]
    second = (await client.get("/spans?limit=1&offset=1")).json()["data"]
    assert [span["span_id"] for span in second] == ids[1:2]
    assert (await client.get("/spans?offset=5000")).status_code == 400


@pytest.mark.parametrize(
    ("query", "scores"),
    [
        ("security_score_min=1", [30, 95]),
        ("security_score_min=80", [95]),
        ("security_score_max=50", [None, 30]),
        ("operation_name=embedding", []),
        ("model=gpt-5-mini&limit=1", [None]),
    ],
    ids=["found", "grave", "mild", "of-an-operation", "of-a-model"],
)
async def test_spans_are_filtered(client: httpx.AsyncClient, query: str, scores: list[int | None]) -> None:
    assert [span["security_score"] for span in (await client.get(f"/spans?{query}")).json()["data"]] == scores


async def test_findings_are_told_inside_of_spans(client: httpx.AsyncClient) -> None:
    page = (await client.get("/security/findings")).json()
    assert page["total"] == 2
    told = page["data"][1]["security_findings"][0]
    assert (told["severity"], told["finding_type"], told["requires_alert"]) == ("Critical", "jailbreak", True)


async def test_traces_have_their_spans(client: httpx.AsyncClient) -> None:
    page = (await client.get("/traces?provider=openai")).json()
    assert page["total"] == 3
    assert [len(trace["spans"]) for trace in page["data"]] == [1, 1, 1]
    assert page["data"][2]["tenant_id"] == "acme"


async def test_spending_is_told_by_window(client: httpx.AsyncClient) -> None:
    told = (await client.get("/costs/current?tenant_id=acme")).json()
    window = next(item for item in told["windows"] if item["budget"] == "month")
    assert (window["window"], window["hard_limit_usd"], window["soft_limit_usd"]) == ("monthly", 10.0, None)
    assert (await client.get("/costs/current?tenant_id=nosuch")).status_code == 404
    assert (await client.get("/costs/current?agent_id=nosuch")).status_code == 404


async def test_a_tenant_and_its_keys_are_made_and_ended(client: httpx.AsyncClient) -> None:
    made = await client.post("/tenants", json={"name": "initech"})
    assert (made.status_code, made.json()["api_key"].startswith("mw_")) == (201, True)
    key = await client.post("/api/v1/auth/keys", json={"tenant_id": "initech", "name": "ci", "role": "viewer"})
    assert key.status_code == 201
    ended = await client.delete(f"/auth/keys/{key.json()['id']}")
    assert (ended.status_code, "successor-version" in ended.headers["link"]) == (204, True)
    listed = (await client.get("/auth/keys")).json()
    ended_of = {row["name"]: row["revoked_at"] is not None for row in listed}
    assert ended_of == {"Default Key": False, "ci": True}
    assert not any("key" in row or "digest" in row for row in listed)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/auth/keys", {"tenant_id": "acme", "name": "x", "role": "god"}),
        ("/tenants", {"name": "a", "config": {"rate": 5}}),
        ("/tenants", {"name": "../x"}),
        ("/reports/generate", {"report_type": "nosuch", "period_start": "2026-01-01", "period_end": "2026-02-01"}),
    ],
    ids=["role", "config", "name", "report"],
)
async def test_what_is_not_valid_is_refused(client: httpx.AsyncClient, path: str, body: dict[str, Any]) -> None:
    assert (await client.post(path, json=body)).status_code == 422


@pytest.mark.parametrize("path", ["/auth/keys", "/tenants", "/reports/generate"])
async def test_a_form_of_another_site_is_no_json(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.post(path, data={"name": "x"})).status_code == 415


@pytest.mark.parametrize(
    ("key", "statuses"),
    [
        ("viewer", {"/auth/keys": 403, "/tenants": 403}),
        ("client", dict.fromkeys(GETS, 403)),
        ("nobody", dict.fromkeys(GETS, 401)),
        ("admin-of-acme", {}),
    ],
    ids=["viewer", "client", "nobody", "admin-of-acme"],
)
async def test_keys_and_tenants_hold_as_everywhere(tmp_path: Path, key: str, statuses: dict[str, int]) -> None:
    house = await filled(tmp_path, access=Keys())
    async with house.client(headers={"Authorization": f"Bearer {key}", "Accept": "*/*"}) as client:
        for path in [*GETS, *UNDER_API]:
            answer = await client.get(path)
            assert answer.status_code == statuses.get(path.removeprefix("/api/v1"), 200), path
            if key == "admin-of-acme":
                assert "default" not in {row.get("tenant_id") for row in _rows(answer.json())}, path


def _rows(answer: Any) -> list[dict[str, Any]]:
    if isinstance(answer, list):
        return answer
    rows: list[dict[str, Any]] = answer.get("data") or answer.get("windows") or []
    return rows
