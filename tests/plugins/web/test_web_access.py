"""Who gets in: keys, sessions, roles, and tenants kept apart on every route."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractAsyncContextManager
from typing import Any

import httpx
import pytest
from starlette.routing import Route

from midwatch_core.access.caller import Caller
from midwatch_core.listing import row_of
from midwatch_core.model.apikey import AccessRole
from midwatch_core.model.exchange import Exchange
from midwatch_core.model.identity import Identity
from midwatch_web.serving.doorkeeper import COOKIE
from midwatch_web.serving.sessions import Sessions

from .conftest import House, make_call
from .served_routes import SIGNED

KEYS = {
    f"mw_{role}_{tenant or 'all'}": Caller(name=f"{role}-{tenant or 'all'}", role=role, tenant=tenant)
    for role in AccessRole
    for tenant in (None, "ours", "theirs")
}
READERS = [AccessRole.VIEWER, AccessRole.OPERATOR, AccessRole.ADMIN]
OPEN = {"/healthz", "/readyz", "/startupz", "/signin"}


class Keys:
    """Access over a table of keys; `revoked` ones open nothing."""

    required = True

    def __init__(self) -> None:
        self.revoked: set[str] = set()

    def caller(self, key: str) -> Caller | None:
        caller = KEYS.get(key)
        return caller if caller is not None and self.still(caller) else None

    def still(self, caller: Caller) -> bool:
        return caller.name not in self.revoked


@pytest.fixture
async def locked(house: House) -> House:
    house.access = Keys()
    for number, tenant in enumerate(("ours", "theirs")):
        await house.traces.put([call_of(tenant, number)])
    return house


def call_of(tenant: str, number: int = 0) -> Exchange:
    """A call that names its tenant wherever a page or an answer shows something of it."""
    return make_call(
        number, trace_id=f"trace-{tenant}", identity=Identity(tenant=tenant, app=f"app-{tenant}", user=f"user-{tenant}")
    )


def routes(house: House) -> list[str]:
    """Every path that can be read, with the ids of the other tenant's call and trace in it."""
    theirs = call_of("theirs", 1)
    # Whatever else a room's paths name, the first of it.
    named = defaultdict(lambda: "1", exchange_id=theirs.id, trace_id=theirs.trace_id, side="request")
    found = [
        route.path.replace(":path}", "}").format_map(named)
        for route in all_routes(house.app().routes)
        if "GET" in (route.methods or ()) and route.path not in {*OPEN, SIGNED}
    ]
    assert len(found) > 8, "the routes are no longer where this test looks for them"
    return found


def all_routes(routes: Iterable[Any]) -> Iterator[Route]:
    """The routes, those of included routers too."""
    for route in routes:
        if isinstance(route, Route):
            yield route
        elif (router := getattr(route, "original_router", None)) is not None:
            yield from all_routes(router.routes)


def shows(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


async def test_without_a_key_nothing_is_shown_on_any_route(locked: House) -> None:
    async with locked.client() as client:
        for path in routes(locked):
            response = await client.get(path)
            assert response.status_code in (401, 303), path
            assert "theirs" not in response.text.replace(path, "")
            if response.status_code == 401:
                assert response.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("path", sorted(OPEN | {"/static/midwatch.css"}))
async def test_health_and_the_sign_in_are_open_to_all(locked: House, path: str) -> None:
    async with locked.client() as client:
        assert (await client.get(path)).status_code == 200


@pytest.mark.parametrize(
    "given", ["", "Bearer ", "Bearer mw_none", "Basic bXc6", "Bearer mw_admin_all x", "mw_admin_all"]
)
async def test_what_is_no_key_opens_nothing(locked: House, given: str) -> None:
    async with locked.client() as client:
        assert (await client.get("/api/v1/exchanges", headers={"Authorization": given})).status_code == 401


@pytest.mark.parametrize("tenant", [None, "ours"])
async def test_a_client_s_key_reads_nothing(locked: House, tenant: str | None) -> None:
    async with locked.client(headers=shows(f"mw_client_{tenant or 'all'}")) as client:
        for path in routes(locked):
            assert (await client.get(path)).status_code == 403, path


@pytest.mark.parametrize("role", READERS)
async def test_a_tenant_s_key_never_shows_another_tenant_s_data_on_any_route(
    locked: House, role: AccessRole, serve: Callable[[Any], AbstractAsyncContextManager[str]]
) -> None:
    looked = 0
    async with locked.client(headers=shows(f"mw_{role}_ours")) as client:
        for path in routes(locked):
            if path.endswith("/live"):
                continue  # never ends: below
            for query in ("", "?tenant=theirs", "?period=all", "?by=tenant,user,app"):
                response = await client.get(path + query)
                said = response.text.replace(path, "")
                assert "app-theirs" not in said, path + query
                assert "trace-theirs" not in said, path + query
                assert response.status_code in (200, 400, 403, 404, 503), path + query
                looked += response.status_code == 200
    assert looked > 4


@pytest.mark.parametrize("role", READERS)
@pytest.mark.parametrize("path", ["/live?period=all", "/api/v1/live"])
async def test_a_live_tail_shows_its_tenant_s_calls_alone(
    locked: House, role: AccessRole, path: str, serve: Callable[[Any], AbstractAsyncContextManager[str]]
) -> None:
    async with (
        serve(locked.app()) as address,
        httpx.AsyncClient(headers=shows(f"mw_{role}_ours"), timeout=60) as client,
        client.stream("GET", address + path) as response,
    ):
        assert response.status_code == 200
        said = ""
        async for piece in response.aiter_text():
            said += piece
            if "event: hello" in piece:
                locked.feed.send(row_of(call_of("theirs", 8)))
                locked.feed.send(row_of(call_of("ours", 9)))
            if call_of("ours", 9).id in said:
                break
    assert "theirs" not in said


async def test_a_live_tail_ends_when_its_key_is_revoked(
    locked: House, serve: Callable[[Any], AbstractAsyncContextManager[str]]
) -> None:
    assert isinstance(locked.access, Keys)
    async with (
        serve(locked.app()) as address,
        httpx.AsyncClient(headers=shows("mw_viewer_all"), timeout=60) as client,
        asyncio.timeout(60),
        client.stream("GET", f"{address}/api/v1/live") as response,
    ):
        said = ""
        async for piece in response.aiter_text():
            said += piece
            locked.access.revoked.add("viewer-all")
            locked.feed.send(row_of(call_of("ours", 9)))
    assert "app-ours" not in said


async def test_a_key_of_the_installation_sees_all_and_the_metrics(locked: House) -> None:
    async with locked.client(headers={"X-Midwatch-Key": "mw_viewer_all"}) as client:
        found = (await client.get("/api/v1/exchanges")).json()["exchanges"]
        assert {row["tenant"] for row in found} == {"ours", "theirs"}
        assert (await client.get("/metrics")).status_code == 200
    async with locked.client(headers=shows("mw_admin_ours")) as client:
        assert (await client.get("/metrics")).status_code == 403


async def test_people_sign_in_with_a_key_and_out_again(locked: House) -> None:
    async with locked.client() as client:
        asked = await client.get("/exchanges/x?y=1")
        assert asked.headers["location"] == "/signin?next=%2Fexchanges%2Fx%3Fy%3D1"
        form = {"key": " mw_viewer_ours ", "next": "/calls?period=all"}
        entered = await client.post("/signin", data=form)
        assert (entered.status_code, entered.headers["location"]) == (303, "/calls?period=all")
        assert "HttpOnly" in entered.headers["set-cookie"]
        assert "SameSite=strict" in entered.headers["set-cookie"]
        assert "mw_viewer_ours" not in entered.headers["set-cookie"]
        page = await client.get("/calls?period=all")
        assert "app-ours" in page.text
        assert "viewer-ours" in page.text
        assert "app-theirs" not in page.text
        token = client.cookies[COOKIE]
        await client.post("/signout")
        assert (await client.get("/calls", headers={"Cookie": f"{COOKIE}={token}"})).status_code == 303


@pytest.mark.parametrize("key", ["", "mw_none", "mw_client_all", "x" * 5000])
async def test_a_wrong_key_signs_nobody_in(locked: House, key: str) -> None:
    async with locked.client() as client:
        refused = await client.post("/signin", data={"key": key})
        assert refused.status_code in (401, 413)
        assert COOKIE not in client.cookies


async def test_a_session_ends_with_its_key(locked: House) -> None:
    assert isinstance(locked.access, Keys)
    async with locked.client() as client:
        await client.post("/signin", data={"key": "mw_viewer_ours"})
        assert (await client.get("/calls")).status_code == 200
        locked.access.revoked.add("viewer-ours")
        assert (await client.get("/calls")).status_code == 303


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}]
)
async def test_another_site_signs_nobody_in(locked: House, headers: dict[str, str]) -> None:
    async with locked.client(headers=headers) as client:
        assert (await client.post("/signin", data={"key": "mw_viewer_ours"})).status_code == 403


@pytest.mark.parametrize(
    "wanted", ["//evil.example", "https://evil.example", "/\\evil.example", "x", "", "/a\\b", "/a\nb"]
)
async def test_after_the_sign_in_nobody_is_sent_elsewhere(locked: House, wanted: str) -> None:
    async with locked.client() as client:
        entered = await client.post("/signin", data={"key": "mw_viewer_ours", "next": wanted})
        assert entered.headers["location"] == "/"


async def test_on_loopback_nobody_is_asked(house: House) -> None:
    await house.traces.put([call_of("ours")])
    async with house.client() as client:
        assert "app-ours" in (await client.get("/calls?period=all")).text


def test_a_session_ends_in_time_and_the_oldest_make_room() -> None:
    now = [0.0]
    sessions = Sessions(lasts_s=10, now=lambda: now[0])
    caller = KEYS["mw_viewer_ours"]
    token = sessions.begin(caller)
    assert sessions.caller(token) is caller
    now[0] = 10.0
    assert sessions.caller(token) is None
    assert sessions.caller("") is None
