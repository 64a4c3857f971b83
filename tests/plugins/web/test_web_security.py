"""Host names, headers and what the browser may load."""

import re
from typing import Any

import httpx
import pytest

import midwatch_web
from midwatch_core import Hostnames
from midwatch_web.serving.security import HEADERS


@pytest.mark.parametrize(
    ("header", "allowed"),
    [
        ("localhost:8082", True),
        ("LOCALHOST", True),
        ("console.localhost:8082", True),
        ("127.0.0.1:8082", True),
        ("[::1]:8082", True),
        ("10.1.2.3:8082", True),
        (None, True),
        ("evil.example", False),
        ("evil.example:8082", False),
        ("127.0.0.1.evil.example:8082", False),
        ("localhost.evil.example", False),
        ("127.1:8082", False),
        ("", False),
        ("[evil.example]:8082", False),
    ],
)
def test_a_console_on_loopback_answers_to_what_cannot_be_rebound(header: str | None, allowed: bool) -> None:
    for console in ("127.0.0.1:8082", "localhost:8082", "[::1]:8082"):
        assert Hostnames.of_console(console).allows(header) is allowed


def test_a_console_elsewhere_takes_any_name() -> None:
    assert Hostnames.of_console("0.0.0.0:8082").allows("midwatch.internal:8082")
    assert Hostnames.of_console("midwatch.internal:8082").allows("midwatch.internal:8082")


@pytest.mark.parametrize("path", ["/", "/api/v1/exchanges", "/metrics", "/healthz", "/static/midwatch.js", "/live"])
async def test_a_foreign_host_name_is_refused_everywhere(client: httpx.AsyncClient, path: str) -> None:
    response = await client.get(path, headers={"Host": "rebound.example:8082"})
    assert response.status_code == 421


@pytest.mark.parametrize(
    "path", ["/", "/none", "/api/v1/exchanges", "/api/v1/none", "/metrics", "/static/midwatch.css"]
)
async def test_every_answer_binds_the_browser_and_opens_to_no_other_origin(
    client: httpx.AsyncClient, path: str
) -> None:
    response = await client.get(path, headers={"Origin": "https://evil.example"})
    for name, value in HEADERS.items():
        assert response.headers[name] == value
    assert not [name for name in response.headers if name.startswith("access-control-")]
    policy = response.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert response.headers["cache-control"] == ("no-cache" if path.startswith("/static/") else "no-store")


async def test_pages_load_nothing_from_elsewhere_and_nothing_inline(
    house: Any, client: httpx.AsyncClient, agent_call: Any, read_html: Any
) -> None:
    await house.traces.put([agent_call()])
    for path in ("/calls", f"/exchanges/{agent_call().id}", "/none"):
        for element in read_html((await client.get(path)).text).find():
            assert element.tag != "style"
            assert not [name for name in element.attributes if name.startswith(("on", "style", "hx-on"))]
            if element.tag in ("script", "img", "link"):
                address = element.attributes.get("src") or element.attributes.get("href") or ""
                assert address.startswith("/static/")
                assert (await client.get(address)).status_code == 200
                assert not element.text


async def test_our_own_files_name_no_other_host(client: httpx.AsyncClient) -> None:
    for name in ("midwatch.css", "midwatch.js"):
        assert not re.findall(r"https?://|eval\(|new Function", (await client.get(f"/static/{name}")).text)


async def test_nothing_outside_the_static_folder_is_served(client: httpx.AsyncClient) -> None:
    for path in ("/static/../app.py", "/static/%2e%2e/app.py", "/static/..%2fapp.py", "/static/"):
        assert (await client.get(path)).status_code == 404


def test_the_vendored_library_has_its_licence_beside_it() -> None:
    from importlib.resources import files

    assert "Zero-Clause BSD" in (files(midwatch_web) / "static" / "htmx.LICENSE.txt").read_text()
