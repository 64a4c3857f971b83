"""Tenants and keys: every role on every route, a tenant's admin within its tenant, and keys shown once."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from midwatch_core.access.administering import KeyWish
from midwatch_core.access.caller import LOCAL
from midwatch_core.access.keys import id_of
from midwatch_core.model.apikey import AccessRole
from midwatch_core.model.identity import Identity
from midwatch_core.model.tenant import Tenant
from tests.plugins.web.access_house import TENANTS, AccessHouse, access_house
from tests.plugins.web.conftest import NOW, House, make_call

ADMIN = AccessRole.ADMIN
EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
SURE = {"sure": "yes"}
READ = ("/access", "/access/new-key", "/api/v1/tenants", "/api/v1/keys")
OTHERS = [(role, tenant) for role in AccessRole if role is not ADMIN for tenant in TENANTS]
CHANGES: tuple[tuple[str, str, Any], ...] = (
    ("POST", "/access/keys", {"role": "client", "tenant": "ours", "expires": "30"}),
    ("POST", "/access/keys/{key}/rotate", {"grace": "0"}),
    ("POST", "/access/keys/{key}/revoke", SURE),
    ("POST", "/access/tenants", {"name": "new", "fresh": "yes", "step": "keep"}),
    ("POST", "/access/tenants/ours/remove", SURE),
)
CALLS: tuple[tuple[str, str, Any], ...] = (
    ("POST", "/api/v1/tenants", {"name": "new"}),
    ("PATCH", "/api/v1/tenants/ours", {"title": "x"}),
    ("DELETE", "/api/v1/tenants/ours", None),
    ("POST", "/api/v1/keys", {"role": "client", "tenant": "ours"}),
    ("POST", "/api/v1/keys/{key}/rotate", {"grace_s": 0}),
    ("DELETE", "/api/v1/keys/{key}", None),
)


@pytest.fixture
async def house() -> AccessHouse:
    return await access_house()


@pytest.fixture
async def client(house: AccessHouse) -> AsyncIterator[httpx.AsyncClient]:
    async with house.client(headers=house.shows(ADMIN)) as client:
        yield client


async def standing(house: AccessHouse) -> tuple[Any, Any]:
    return await house.metadata.tenants(), await house.metadata.keys()


def key_id(house: AccessHouse, role: AccessRole, tenant: str | None) -> str:
    return id_of(house.keys[role, tenant]) or ""


@pytest.mark.parametrize(("role", "tenant"), OTHERS)
async def test_who_is_no_admin_sees_and_changes_nothing(
    house: AccessHouse, role: AccessRole, tenant: str | None
) -> None:
    before = await standing(house)
    of = key_id(house, AccessRole.CLIENT, tenant)
    async with house.client(headers=house.shows(role, tenant)) as client:
        for path in (*READ, f"/access/keys/{of}", f"/access/keys/{of}/revoke", "/access/new-tenant"):
            answer = await client.get(path)
            assert answer.status_code == 403, path
            assert "Title of" not in answer.text
        for method, path, form in CHANGES:
            assert (await client.request(method, path.format(key=of), data=form)).status_code == 403, path
        for method, path, body in CALLS:
            answer = await client.request(method, path.format(key=of), json=body)
            assert (answer.status_code, answer.headers["content-type"]) == (403, "application/problem+json"), path
    assert await standing(house) == before


async def test_a_tenant_s_admin_administers_its_own_tenant_alone(house: AccessHouse, read_html: Any) -> None:
    theirs, own = key_id(house, AccessRole.CLIENT, "theirs"), key_id(house, AccessRole.CLIENT, "ours")
    before = await standing(house)
    async with house.client(headers=house.shows(ADMIN, "ours")) as client:
        rows = (await client.get("/api/v1/keys")).json()["keys"]
        assert {row["tenant"] for row in rows} == {"ours"}
        assert [row["name"] for row in (await client.get("/api/v1/tenants")).json()["tenants"]] == ["ours"]
        for path in ("/access", "/access?tenant=theirs&state=all", "/access/new-key"):
            page = await client.get(path)
            assert page.status_code == 200
            assert "theirs" not in page.text.replace(path, "")
            assert theirs not in page.text
        for path in (f"/access/keys/{theirs}", f"/access/keys/{theirs}/revoke", "/access/tenants/theirs"):
            assert (await client.get(path)).status_code == 404, path
        for path in ("/api/v1/tenants/theirs", f"/api/v1/keys/{theirs}"):
            assert (await client.get(path)).status_code == 404, path
        for method, path in (("POST", f"/api/v1/keys/{theirs}/rotate"), ("DELETE", f"/api/v1/keys/{theirs}")):
            assert (await client.request(method, path, json={})).status_code == 404, path
        for wish in (
            {"tenant": "theirs", "role": "client"},
            {"role": "client"},
            {"tenant": "nobody", "role": "client"},
        ):
            assert (await client.post("/api/v1/keys", json=wish)).status_code == 403
            assert (await client.post("/access/keys", data=wish | {"expires": ""})).status_code == 403
        for method, path, body in CALLS[:3]:
            assert (await client.request(method, path, json=body)).status_code == 403, path
        for method, path, form in CHANGES[3:]:
            assert (await client.request(method, path, data=form)).status_code == 403, path
        assert (await client.get("/access/tenants/ours/remove")).status_code == 403
        assert (
            "Read-only: admins of the installation" in read_html((await client.get("/access/tenants/ours")).text).words
        )
        assert await standing(house) == before
        assert (await client.post(f"/access/keys/{own}/revoke", data=SURE)).status_code == 303
        made = await client.post("/api/v1/keys", json={"tenant": "ours", "role": "admin"})
        assert (made.status_code, made.json()["tenant"]) == (201, "ours")


async def test_a_key_is_made_shown_once_and_works(
    house: AccessHouse, client: httpx.AsyncClient, read_html: Any
) -> None:
    form = {"role": "viewer", "tenant": "ours", "label": "her laptop", "agent": "", "expires": "90"}
    answer = await client.post("/access/keys", data=form)
    page = read_html(answer.text)
    text = page.find("code", id="key-text")[0].text
    assert (answer.status_code, answer.headers["cache-control"]) == (201, "no-store")
    assert "location" not in answer.headers
    for how in (f"HTTPS_PROXY=http://my-app:{text}@127.0.0.1:8080", f"X-Midwatch-Key: {text}", f"Bearer {text}"):
        assert how in page.words
    async with house.client(headers={"x-midwatch-key": text}) as hers:
        assert (await hers.get("/api/v1/exchanges")).status_code == 200
        assert (await hers.get("/access")).status_code == 403
    for path in ("/access", f"/access/keys/{id_of(text)}", "/api/v1/keys", "/audit", "/api/v1/audit"):
        said = (await client.get(path)).text
        assert (id_of(text) or "none") in said
        assert text not in said
    (row,) = [row for row in (await client.get("/api/v1/keys")).json()["keys"] if row["id"] == id_of(text)]
    assert (row["label"], row["state"], row["expires_at"][:10]) == ("her laptop", "valid", "2027-02-21")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"role": "king"}, "choose a role"),
        ({"tenant": "nobody"}, "no tenant nobody"),
        ({"expires": "7000"}, "how long"),
        ({"until": "tomorrow"}, "2027-01-31"),
        ({"until": "2020-01-31"}, "moment to come"),
        ({"until": "9999-12-31"}, "2027-01-31"),
    ],
    ids=["role", "tenant", "term", "day", "past", "end-of-time"],
)
async def test_a_key_that_can_t_be_made_comes_back_with_what_was_written(
    client: httpx.AsyncClient, read_html: Any, wrong: dict[str, str], said: str
) -> None:
    form = {"role": "client", "tenant": "ours", "label": EVIL, "expires": "30"} | wrong
    answer = await client.post("/access/keys", data=form)
    page = read_html(answer.text)
    assert answer.status_code == 409
    assert said in page.find(cls="notice")[0].text
    assert page.find("input", name="label")[0].attributes["value"] == EVIL


async def test_a_key_rotates_and_the_old_one_lives_on_for_its_grace(
    house: AccessHouse, client: httpx.AsyncClient, read_html: Any
) -> None:
    old = key_id(house, AccessRole.CLIENT, "ours")
    assert (await client.post(f"/access/keys/{old}/rotate", data={"grace": "17"})).status_code == 400
    page = read_html((await client.post(f"/access/keys/{old}/rotate", data={"grace": "86400"})).text)
    text = page.find("code", id="key-text")[0].text
    assert f"The old key {old} lives on: a day" in page.words
    row = (await client.get(f"/api/v1/keys/{old}")).json()
    assert (row["state"], row["expires_at"][:10]) == ("valid", "2026-11-24")
    fresh = (await client.get(f"/api/v1/keys/{id_of(text)}")).json()
    assert [fresh[name] for name in ("tenant", "role", "label")] == ["ours", "client", "client"]
    ended = await client.post(f"/api/v1/keys/{old}/rotate", json={"grace_s": 0})
    assert ended.status_code == 201
    assert (await client.get(f"/api/v1/keys/{old}")).json()["state"] == "expired"
    again = await client.post(f"/access/keys/{old}/rotate", data={"grace": "0"})
    assert (again.status_code, "not valid any more" in again.text) == (409, True)
    assert (await client.post(f"/api/v1/keys/{old}/rotate", json={})).status_code == 409


async def test_a_key_is_revoked_after_a_question(house: AccessHouse, client: httpx.AsyncClient, read_html: Any) -> None:
    key, viewer = key_id(house, AccessRole.VIEWER, "ours"), house.shows(AccessRole.VIEWER, "ours")
    asked = read_html((await client.get(f"/access/keys/{key}/revoke")).text)
    assert f"Revoke {key} ?" in asked.words
    async with house.client(headers=viewer) as theirs:
        assert (await theirs.get("/api/v1/exchanges")).status_code == 200
        answer = await client.post(f"/access/keys/{key}/revoke", data=SURE)
        assert (answer.status_code, answer.headers["location"]) == (303, "/access?done=revoked")
        assert (await theirs.get("/api/v1/exchanges")).status_code == 401
    assert (await client.delete(f"/api/v1/keys/{key}")).json()["state"] == "revoked"
    page = read_html((await client.get("/access?done=revoked")).text)
    assert "Revoked" in page.find(cls="notice")[0].text
    assert key not in page.words
    assert key in read_html((await client.get("/access?state=all")).text).words
    own = key_id(house, ADMIN, None)
    assert "it is you who is signed out" in (await client.get(f"/access/keys/{own}/revoke")).text


async def test_a_tenant_is_added_changed_and_removed_after_a_look(
    house: AccessHouse, client: httpx.AsyncClient, read_html: Any
) -> None:
    form = {"fresh": "yes", "name": "acme", "title": "Acme", "networks": "10.1.0.0/16\r\n\r\n10.2.0.0/16 "}
    review = read_html((await client.post("/access/tenants", data=form | {"step": "review"})).text)
    assert "Add the tenant acme ?" in review.words
    assert "Networks 10.1.0.0/16 10.2.0.0/16" in review.words
    assert len(await house.metadata.tenants()) == 2
    sent = {field.attributes["name"]: field.text.removeprefix("\n") for field in review.find("textarea")}
    kept = await client.post("/access/tenants", data={**sent, "fresh": "yes", "name": "acme", "step": "keep"})
    assert (kept.status_code, kept.headers["location"]) == (303, "/access?done=added")
    row = (await client.get("/api/v1/tenants/acme")).json()
    assert (row["networks"], row["title"], row["configured"]) == (["10.1.0.0/16", "10.2.0.0/16"], "Acme", False)

    change = {"name": "acme", "title": "Acme", "networks": "10.1.0.0/16", "retention_days": "30.5"}
    review = read_html((await client.post("/access/tenants", data=change | {"step": "review"})).text)
    told = [row.words for row in review.find("table", cls="changes")[0].find("tr")][1:]
    assert told == ["Networks 10.1.0.0/16 10.2.0.0/16 10.1.0.0/16", "Days its calls are kept – 30.5"]
    assert (await client.post("/access/tenants", data=change | {"step": "keep"})).status_code == 303
    assert (await client.get("/api/v1/tenants/acme")).json()["retention_days"] == 30.5

    key = await house.administration.create_key(LOCAL, KeyWish(role=AccessRole.CLIENT, tenant="acme"))
    assert "Its one valid key is revoked" in read_html((await client.get("/access/tenants/acme/remove")).text).words
    assert (await client.post("/access/tenants/acme/remove", data=SURE)).headers["location"] == "/access?done=removed"
    assert (await client.get("/api/v1/tenants/acme")).status_code == 404
    assert (await client.get(f"/api/v1/keys/{key.key.id}")).json()["state"] == "revoked"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"name": "a b"}, "a tenant's name is"),
        ({"name": "ours"}, "is there already"),
        ({"networks": "10.1.0.0/99"}, "networks"),
        ({"networks": "10.9.0.0/16"}, "belongs to the tenant ours"),
        ({"provider_keys": "sk-1234"}, "never the provider's key"),
        ({"retention_days": "inf"}, "a number up to"),
        ({"retention_days": "soon"}, "a number up to"),
        ({"retention_days": "0"}, "a number up to"),
    ],
    ids=["name", "there", "network", "taken", "key", "inf", "no-number", "nought"],
)
async def test_a_tenant_that_can_t_be_kept_comes_back_with_what_was_written(
    house: AccessHouse, client: httpx.AsyncClient, read_html: Any, wrong: dict[str, str], said: str
) -> None:
    await client.patch("/api/v1/tenants/ours", json={"networks": ["10.9.0.0/16"]})
    form = {"fresh": "yes", "name": "new", "title": EVIL, "certificates": "CN=a\u202eb", "step": "keep"} | wrong
    answer = await client.post("/access/tenants", data=form)
    page = read_html(answer.text)
    assert answer.status_code == 409
    assert said in page.find(cls="notice")[0].text
    assert page.find("input", name="title")[0].attributes["value"] == EVIL
    assert page.find("textarea", name="certificates")[0].text.removeprefix("\n") == "CN=a\u202eb"
    assert len(await house.metadata.tenants()) == 2


async def test_what_stands_in_the_configuration_is_read_only_and_says_so(
    client: httpx.AsyncClient, read_html: Any
) -> None:
    page = read_html((await client.get("/access/tenants/fixed")).text)
    assert "Read-only: it stands in the configuration" in page.words
    assert not [form for form in page.find("form") if form.attributes["action"] != "/signout"]
    assert "removed there" in (await client.get("/access/tenants/fixed/remove")).text
    for method in ("PATCH", "DELETE"):
        answer = await client.request(
            method, "/api/v1/tenants/fixed", json={"title": "x"} if method == "PATCH" else None
        )
        assert (answer.status_code, "stands in the configuration" in answer.json()["detail"]) == (409, True)
    assert (await client.get("/api/v1/tenants/fixed")).json()["created_at"] is None


async def test_a_change_leaves_what_it_does_not_name(client: httpx.AsyncClient) -> None:
    await client.patch("/api/v1/tenants/ours", json={"networks": ["10.9.0.0/16"], "retention_days": 5})
    row = (await client.patch("/api/v1/tenants/ours", json={"retention_days": None})).json()
    assert (row["networks"], row["retention_days"], row["title"]) == (["10.9.0.0/16"], None, "Title of ours")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("tenants", {"name": "a b"}),
        ("tenants", {"name": "a", "networks": ["x"]}),
        ("tenants", {"name": "a", "retention_days": 1e300}),
        ("tenants", {"name": "a", "configured": True}),
        ("tenants", {"name": "a", "title": "x" * 201}),
        ("tenants", {"name": "a", "\ud800": 1}),
        ("tenants", []),
        ("keys", {"role": "king"}),
        ("keys", {"role": "client", "tenant": "\ud800"}),
        ("keys", {"role": "client", "digest": "0"}),
        ("keys", {"role": "client", "expires_at": "soon"}),
        ("keys/mw_none0000/rotate", {"grace_s": -1}),
        ("keys/mw_none0000/rotate", {"grace_s": 1e300}),
    ],
    ids=str,
)
async def test_what_is_no_body_is_refused(client: httpx.AsyncClient, path: str, body: Any) -> None:
    sent = json.dumps(body)  # half a surrogate pair is written as `\\ud800`, which JSON allows
    answer = await client.post(f"/api/v1/{path}", content=sent, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")


async def test_what_can_t_be_done_as_things_stand_is_a_conflict(client: httpx.AsyncClient) -> None:
    for path, body in (
        ("tenants", {"name": "ours"}),
        ("keys", {"role": "client", "tenant": "nobody"}),
        ("keys", {"role": "client", "expires_at": "2020-01-01T00:00:00"}),
    ):
        assert (await client.post(f"/api/v1/{path}", json=body)).status_code == 409


@pytest.mark.parametrize("headers", [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}], ids=str)
async def test_another_site_s_form_changes_nothing(
    house: AccessHouse, client: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    before, own = await standing(house), key_id(house, AccessRole.CLIENT, "ours")
    for method, path, form in CHANGES:
        answer = await client.request(method, path.format(key=own), data=form, headers=headers)
        assert answer.status_code == 403, path
    for path in ("/api/v1/keys", "/api/v1/tenants", f"/api/v1/keys/{own}/rotate"):
        assert (await client.post(path, data={"role": "client"}, headers=headers)).status_code == 415
    assert await standing(house) == before


async def test_hostile_titles_and_labels_are_only_text(house: AccessHouse, client: httpx.AsyncClient) -> None:
    await house.administration.add_tenant(LOCAL, Tenant(name="evil", created_at=NOW, title=EVIL, certificates=(EVIL,)))
    made = await house.administration.create_key(
        LOCAL, KeyWish(role=AccessRole.CLIENT, tenant="evil", label=EVIL, agent=EVIL)
    )
    places = ("/access", "/access/new-key?tenant=%3Cscript%3E", "/access/tenants/evil", "/access/tenants/evil/remove")
    for path in (*places, f"/access/keys/{made.key.id}", f"/access/keys/{made.key.id}/revoke", "/audit"):
        answer = await client.get(path)
        assert answer.status_code == 200
        assert "<script>alert" not in answer.text
        assert "<img src=x" not in answer.text


async def test_the_last_use_of_a_key_is_told_by_the_record(
    house: AccessHouse, client: httpx.AsyncClient, read_html: Any
) -> None:
    used, idle = key_id(house, AccessRole.CLIENT, "ours"), key_id(house, AccessRole.CLIENT, "theirs")
    who = Identity(tenant="ours", key_id=used, app="a")
    await house.traces.put([make_call(number, identity=who) for number in (1, 2, 60 * 24 * 3, 60 * 24 * 40)])
    rows = {
        row.find("code")[0].text: row.words
        for row in read_html((await client.get("/access")).text).find("tr")[1:]
        if row.find("code")
    }
    assert "3 within a day" in rows[used]
    assert "0 –" in rows[idle]
    assert "3, the last on 2026-11-23" in read_html((await client.get(f"/access/keys/{used}")).text).words


async def test_a_house_without_administration_says_so(house: AccessHouse) -> None:
    async with House(metadata=house.metadata, traces=house.traces).client() as client:
        for path in ("/access", "/audit", "/api/v1/keys", "/api/v1/audit", "/api/v1/budgets", "/costs/budgets"):
            assert (await client.get(path)).status_code == 503
