"""What changes something: not for another site's page, not without a key, of bounded size, and never waited for."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from midwatch_core.access.caller import LOCAL
from midwatch_core.model.apikey import AccessRole
from midwatch_web.serving import bodies
from tests.plugins.web.served_routes import SIGNED, changing, forms
from tests.plugins.web.whole_house import Served, served_house

FORMS = forms()
PROGRAMS = [(method, path) for method, path in changing() if path not in FORMS]
WITH_BODY = [(method, path) for method, path in PROGRAMS if method != "DELETE"]
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JSON = {"Content-Type": "application/json"}
ELSEWHERE = (
    {"Origin": "https://evil.example"},
    {"Origin": "http://127.0.0.1:1"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "null"},
)
# Nobody is signed in before these.
OPEN = frozenset({"/signin", "/signout", SIGNED})


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served_house(tmp_path_factory.mktemp("house")) as served:
        yield served


@pytest.fixture(scope="module")
def browser(served: Served) -> Iterator[httpx.Client]:
    """A browser whose admin signed in: the cookie goes along with whatever a page sends."""
    with httpx.Client(base_url=served.address, trust_env=False, timeout=60) as client:
        assert client.post("/signin", data={"key": served.key(AccessRole.ADMIN)}).status_code == 303
        yield client


@pytest.fixture(scope="module")
def before(served: Served) -> int:
    return changes(served)


def changes(served: Served) -> int:
    """How many there were: each that is made is put on record."""
    return served.do(lambda: served.house.access.administration.audit(LOCAL, limit=1))[0].number


@pytest.mark.parametrize("path", FORMS)
def test_another_site_s_page_sends_no_form(browser: httpx.Client, served: Served, before: int, path: str) -> None:
    for headers in ELSEWHERE:
        assert browser.post(path, headers={**FORM, **headers}, content=b"sure=yes").status_code == 403, headers
    assert changes(served) == before


@pytest.mark.parametrize("path", FORMS)
def test_a_form_is_a_form_and_not_too_long(browser: httpx.Client, served: Served, before: int, path: str) -> None:
    if path != "/signout":  # which reads no body
        assert browser.post(path, json={"sure": "yes"}).status_code == 415
        assert browser.post(path, headers=FORM, content=b"text=" + b"x" * 2_000_000).status_code == 413
        assert changes(served) == before


@pytest.mark.parametrize(("method", "path"), WITH_BODY, ids=[f"{method} {path}" for method, path in WITH_BODY])
def test_what_a_form_can_send_is_no_request_of_a_program(
    browser: httpx.Client, served: Served, before: int, method: str, path: str
) -> None:
    kinds = ("application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain", "")
    for kind in kinds:
        headers = {"Content-Type": kind, "Origin": "https://evil.example"}
        assert browser.request(method, path, headers=headers, content=b"{}").status_code == 415, kind
    assert changes(served) == before


@pytest.mark.parametrize(("method", "path"), WITH_BODY, ids=[f"{method} {path}" for method, path in WITH_BODY])
def test_a_program_s_body_is_not_too_long(
    browser: httpx.Client, served: Served, before: int, method: str, path: str
) -> None:
    long = b'{"text":"' + b"x" * 33 * 1024 * 1024 + b'"}'
    assert browser.request(method, path, headers=JSON, content=long).status_code == 413
    assert changes(served) == before


@pytest.mark.parametrize(("method", "path"), PROGRAMS, ids=[f"{method} {path}" for method, path in PROGRAMS])
def test_what_is_no_json_breaks_nothing(
    browser: httpx.Client, served: Served, before: int, method: str, path: str
) -> None:
    for body in (b"", b"{", b"[" * 50_000, b'{"a":' * 50_000, b"\xff\xfe", b'"\\ud800"', b"null", b"[]", b"1e999"):
        answer = browser.request(method, path, headers=JSON, content=body)
        assert 400 <= answer.status_code < 500, body[:9]
        assert answer.headers["content-type"] == "application/problem+json"
    assert changes(served) == before


@pytest.mark.parametrize(("method", "path"), changing(), ids=[f"{method} {path}" for method, path in changing()])
def test_nobody_changes_anything_without_a_key(served: Served, before: int, method: str, path: str) -> None:
    if path in OPEN:
        return
    with httpx.Client(base_url=served.address, trust_env=False, timeout=60) as client:
        for headers in (FORM, JSON):
            assert client.request(method, path, headers=headers, content=b"{}").status_code == 401
    assert changes(served) == before


@pytest.mark.parametrize("path", ["/signin", "/policies/edit", "/api/v1/policies/check"])
async def test_a_body_that_comes_too_slowly_is_not_waited_for(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setattr(bodies, "_PATIENCE_S", 0.05)

    async def never() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.sleep(30)

    headers = JSON if path.startswith("/api/") else FORM
    assert (await client.post(path, content=never(), headers=headers)).status_code == 408


def test_a_sender_that_leaves_in_the_middle_leaves_nothing_behind(served: Served, browser: httpx.Client) -> None:
    host, port = served.address.removeprefix("http://").split(":")
    key = served.key(AccessRole.ADMIN)
    for path in ("/api/v1/policies/check", "/api/v1/scan", "/policies/edit"):
        with socket.create_connection((host, int(port))) as line:
            head = f"POST {path} HTTP/1.1\r\nHost: {host}\r\nX-Midwatch-Key: {key}\r\nContent-Length: 100\r\n"
            line.sendall(f"{head}Content-Type: application/json\r\n\r\n{{".encode())
    assert browser.get("/api/v1/policies").status_code == 200
