"""URLs of servers: what is read from them, and what is said of wrong ones."""

import importlib.util

import pytest

from midwatch_core import ConfigError
from midwatch_redis import open_cache
from midwatch_redis.address import Address, parse


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://cache", Address(host="cache")),
        ("valkey://cache:7000/2", Address(host="cache", port=7000, db=2)),
        ("rediss://cache", Address(host="cache", tls=True)),
        ("valkeys://cache/?ca=/etc/ca.pem", Address(host="cache", tls=True, ca="/etc/ca.pem")),
        ("redis://:p%40ss@[::1]:1/", Address(host="::1", port=1, password="p@ss")),
        ("redis://u:p@h?prefix=acme:", Address(host="h", user="u", password="p", prefix="acme:")),
        ("redis://h?prefix=", Address(host="h", prefix="")),
    ],
)
def test_reads(url: str, expected: Address) -> None:
    assert parse(url) == expected
    assert open_cache(url) is not None


@pytest.mark.parametrize(
    "url",
    [
        "redis://",
        "redis:///0",
        "redis://u:hunter2@",
        "redis://u:hunter2@h:port",
        "redis://u:hunter2@h:99999",
        "redis://u:hunter2@h/one",
        "redis://u:hunter2@h/-1",
        "redis://u:hunter2@h/²",
        "redis://u:hunter2@h?prefix={a}",
        "redis://u:hunter2@h?prefix=a b",
        "redis://u:hunter2@h?timeout=3",
        "redis://u:hunter2@h?ca=/etc/ca.pem",
        "redis://u:hunter2@h?prefix",
        "redis://u:hun#ter2@h",
        "redis://u:hunter2/x@h",
        "redis://u:hunter2@[::1",
    ],
)
def test_says_what_would_be_right_and_nothing_of_the_login(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        open_cache(url)
    assert "hun" not in str(caught.value)


def test_an_address_shows_no_login() -> None:
    shown = parse("rediss://someone:hunter2@[::1]:7000/2")
    assert str(shown) == "rediss://[::1]:7000/2"
    assert "hunter2" not in repr(shown)


@pytest.mark.parametrize("url", ["memory://", "", "redis", "REDIS://x", "redis+unix:///x"])
def test_leaves_other_schemes(url: str) -> None:
    assert open_cache(url) is None


def test_names_the_extra_where_the_library_is_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("midwatch_redis.find_spec", lambda name: importlib.util.find_spec("no_such_library"))
    with pytest.raises(ConfigError, match=r"midwatch\[redis\]"):
        open_cache("valkey://h")
