"""Who may scrape, and what of it: a token that opens /metrics alone, and tenants for who operates all of them."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from midwatch_core.access.caller import Caller
from midwatch_core.config import load_config
from midwatch_core.errors import ConfigError
from midwatch_core.host import Host
from midwatch_core.metrics import MetricKind, MetricSpec
from midwatch_core.model.apikey import AccessRole
from midwatch_web.app import create_app
from midwatch_web.settings import WebSettings

from .conftest import House

CALLS = MetricSpec(name="midwatch_calls_total", kind=MetricKind.COUNTER, help="Calls.", labels=("tenant", "model"))
TIME = MetricSpec(name="midwatch_time_seconds", kind=MetricKind.HISTOGRAM, help="T", labels=("tenant",), buckets=(1.0,))
TOKEN = "a-token-of-the-scraper's-own"
TENANTS = {"acme": 3.0, "lab": 4.0}


class Keys:
    """A key for each role, of all tenants or of acme."""

    required = True

    def caller(self, key: str) -> Caller | None:
        role, _, tenant = key.partition(":")
        return Caller(name=key, role=AccessRole(role), tenant=tenant or None) if role in list(AccessRole) else None

    def still(self, caller: Caller) -> bool:
        return True


@pytest.fixture
def counted(house: House) -> House:
    house.metrics.declare([CALLS, TIME])
    for tenant, calls in TENANTS.items():
        house.metrics.add(CALLS.name, calls, (tenant, "gpt-5"))
        house.metrics.observe(TIME.name, calls - 3, (tenant,))
    return house


@pytest.fixture
def scraped(counted: House, monkeypatch: pytest.MonkeyPatch) -> Host:
    """A host whose console asks for keys, and whose settings name a scrape token."""
    monkeypatch.setenv("SCRAPE_TOKEN", TOKEN)
    counted.access = Keys()
    host = counted.host()
    settings = {**host.settings, "web": WebSettings(scrape_token="${SCRAPE_TOKEN}")}
    return Host(**{name: getattr(host, name) for name in host.__slots__} | {"settings": settings})


async def ask(host: Host, path: str = "/metrics", **headers: str) -> httpx.Response:
    transport = httpx.ASGITransport(create_app(host), raise_app_exceptions=True)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8082") as client:
        return await client.get(path, headers=[(name.encode(), value.encode()) for name, value in headers.items()])


def read(answer: httpx.Response) -> dict[tuple[str, str | None], float]:
    """Values by the sample's name and its tenant."""
    assert answer.status_code == 200
    samples = (sample for family in text_string_to_metric_families(answer.text) for sample in family.samples)
    return {
        (sample.name + sample.labels.get("le", ""), sample.labels.get("tenant")): sample.value for sample in samples
    }


@pytest.mark.parametrize("key", ["operator", "admin", TOKEN])
async def test_who_operates_all_tenants_and_a_scraper_see_them_apart(scraped: Host, key: str) -> None:
    told = read(await ask(scraped, authorization=f"Bearer {key}"))
    assert {tenant: told[CALLS.name, tenant] for tenant in TENANTS} == TENANTS


async def test_where_no_key_is_asked_for_tenants_are_told_apart(counted: House) -> None:
    assert read(await ask(counted.host()))[CALLS.name, "lab"] == 4


async def test_a_viewer_of_all_sees_what_the_tenants_come_to(scraped: Host) -> None:
    told = read(await ask(scraped, authorization="Bearer viewer"))
    assert told == {
        (CALLS.name, None): 7,
        ("midwatch_time_seconds_bucket1.0", None): 2,
        ("midwatch_time_seconds_bucket+Inf", None): 2,
        ("midwatch_time_seconds_count", None): 2,
        ("midwatch_time_seconds_sum", None): 1,
    }


@pytest.mark.parametrize(
    ("key", "status"), [("viewer:acme", 403), ("admin:acme", 403), ("client", 403), (TOKEN[:-1], 401), ("ü", 401)]
)
async def test_others_are_turned_away(scraped: Host, key: str, status: int) -> None:
    answer = await ask(scraped, authorization=f"Bearer {key}")
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


@pytest.mark.parametrize("path", ["/metrics/", "/metrics?x", "/api/v1/exchanges", "/calls", "/readyz/../calls"])
async def test_the_token_opens_metrics_alone(scraped: Host, path: str) -> None:
    answer = await ask(scraped, path, authorization=f"Bearer {TOKEN}")
    assert answer.status_code == (200 if path == "/metrics?x" else 401 if path.startswith(("/m", "/api")) else 303)


async def test_the_token_is_none_in_another_header(scraped: Host) -> None:
    assert (await ask(scraped, **{"x-midwatch-key": TOKEN})).status_code == 401


def test_a_token_is_named_and_never_written(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("web: {scrape_token: planted-9f1c}")
    with pytest.raises(ConfigError, match=r"scrape_token") as caught:
        load_config(file=file, flags={}, sections={"web": WebSettings}, environ={})
    assert "planted" not in str(caught.value)
    file.write_text("{}")
    environ = {"MIDWATCH_WEB__SCRAPE_TOKEN": "planted-9f1c"}
    config: Any = load_config(file=file, flags={}, sections={"web": WebSettings}, environ=environ)
    assert config.web.scrape_token == "${MIDWATCH_WEB__SCRAPE_TOKEN}"


def test_a_console_with_a_token_that_can_t_be_had_is_not_made(counted: House) -> None:
    host = counted.host()
    settings = {**host.settings, "web": WebSettings(scrape_token="${ABSENT}")}
    with pytest.raises(ConfigError, match=r"web\.scrape_token: the variable ABSENT is not set"):
        create_app(Host(**{name: getattr(host, name) for name in host.__slots__} | {"settings": settings}))
