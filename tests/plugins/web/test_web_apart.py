"""Tenants kept apart: everything that can be read, by every role, with every desk there and something in each."""

from collections.abc import Iterator

import httpx
import pytest

from midwatch_core.model.apikey import AccessRole
from tests.plugins.web.opened import place
from tests.plugins.web.planted_calls import TENANTS
from tests.plugins.web.served_routes import SIGNED, methods_of, routes
from tests.plugins.web.whole_house import HOLDERS, Holder, Served, served_house

# A stream has no end: tests/plugins/web/test_web_live.py and the end-to-end tests follow it.
ENDLESS = frozenset({"/live", "/api/v1/live"})
READ = sorted({route.path for route in routes() if "GET" in methods_of(route)} - ENDLESS)
# To everybody, and of no call.
OPEN = frozenset({"/healthz", "/readyz", "/startupz", "/signin", SIGNED})
# What asks for more than a period.
QUERIES = ("?period=all", "?state=all", "?by=tenant", "?tenant={}&period=all", "?text=word-{}&period=all")
# How it refuses: somebody unknown, a role, a tenant, what is not there for this one, what can't be as things stand.
REFUSED = frozenset({303, 401, 403, 404, 409, 422, 400})


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served_house(tmp_path_factory.mktemp("house")) as served:
        yield served


@pytest.fixture(scope="module")
def web(served: Served) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=served.address, trust_env=False, timeout=60) as client:
        yield client


def sees(holder: Holder) -> set[str]:
    role, tenant = holder
    return set() if role is AccessRole.CLIENT else set(TENANTS) if tenant is None else {tenant}


def named(text: str) -> set[str]:
    """The tenants of which a text has something that was planted."""
    return {name for name in TENANTS if any(f"{kind}-{name}" in text for kind in ("word", "user", "agent", "app"))}


@pytest.mark.parametrize("path", READ)
def test_what_can_be_read_is_read_by_who_may_and_shows_no_other_s(served: Served, web: httpx.Client, path: str) -> None:
    for holder in HOLDERS:
        headers = {"X-Midwatch-Key": served.key(*holder)}
        for tenant in TENANTS:
            at = place(served, path, tenant)
            answer = web.get(at, headers=headers)
            assert path in OPEN or answer.status_code in {200, *REFUSED}, (holder, at)
            assert named(answer.text) <= sees(holder), (holder, at)
            if path not in OPEN and not sees(holder):
                assert answer.status_code == 403, (holder, at)


@pytest.mark.parametrize("path", [path for path in READ if "{" not in path])
def test_no_question_gets_more_out_of_a_list(served: Served, web: httpx.Client, path: str) -> None:
    headers = {"X-Midwatch-Key": served.key(AccessRole.ADMIN, "acme")}
    for query in QUERIES:
        answer = web.get(path + query.format("lab"), headers=headers)
        asked_again = "word-lab" if "text=" in query else ""  # which a page may say again
        assert named(answer.text.replace(asked_again, " ")) <= {"acme"}, query


@pytest.mark.parametrize("path", [path for path in READ if path not in OPEN])
def test_who_shows_no_key_reads_nothing(served: Served, web: httpx.Client, path: str) -> None:
    for headers in ({}, {"Authorization": "Bearer mw_aaaaaaaa_" + "x" * 43}, {"Cookie": "midwatch_session=x"}):
        answer = web.get(place(served, path, "acme"), headers=headers)
        assert answer.status_code in (303, 401)
        if answer.status_code == 303:
            assert answer.headers["location"].startswith("/signin?next=")
        assert named(answer.text) == set()


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/access",
        "/alerts",
        "/alerts/{incident_id}",
        "/api/v1/alerts",
        "/api/v1/alerts.csv",
        "/api/v1/alerts/{incident_id}",
        "/api/v1/audit",
        "/api/v1/traces",
        "/api/v1/exchanges.csv",
        "/api/v1/findings.jsonl",
        "/api/v1/findings/{finding_id}",
        "/api/v1/hosts",
        "/api/v1/reports/{report_id}/{form}",
        "/audit",
        "/calls",
        "/conversations",
        "/findings/{finding_id}",
        "/reports/{report_id}",
    ],
)
def test_each_tenant_s_admin_reads_its_own_there(served: Served, web: httpx.Client, path: str) -> None:
    """What shows nothing of another's must not be so because it shows nothing."""
    headers = {"X-Midwatch-Key": served.key(AccessRole.ADMIN, "acme")}
    assert named(web.get(place(served, path, "acme"), headers=headers).text) == {"acme"}
