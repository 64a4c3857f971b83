import sys
from pathlib import Path

import pytest

from midwatch_core.errors import ConfigError
from midwatch_sql import open_metadata, open_traces
from midwatch_sql.postgres_address import parse_url

SECRET = "Hunter-9-secret"


@pytest.mark.parametrize(
    ("url", "name"),
    [
        (f"postgresql://ann:{SECRET}@db.example:5433/midwatch", "postgresql://db.example:5433/midwatch"),
        (f"postgres://ann:{SECRET}@db/midwatch?sslmode=disable", "postgresql://db/midwatch"),
        (f"postgresql://ann:{SECRET}@[fd00::1]:5432/midwatch", "postgresql://[fd00::1]:5432/midwatch"),
        (f"postgresql://ann:{SECRET}@a:1,b:2/midwatch", "postgresql://a:1,b:2/midwatch"),
        (f"postgresql://ann:{SECRET}%40%2F@db/%C3%BC", "postgresql://db/ü"),
        ("postgresql:///midwatch?host=/run/postgresql&port=5432", "postgresql:///run/postgresql/midwatch"),
    ],
)
def test_addresses(url: str, name: str) -> None:
    address = parse_url(url)
    assert (address.name, address.dsn) == (name, url)
    assert SECRET not in repr(address)
    assert open_metadata(url) is not None


@pytest.mark.parametrize(
    ("rest", "reason"),
    [
        ("@db", "no database"),
        ("@db/", "no database"),
        ("#x@db/midwatch", "special character"),
        ("/x@db/midwatch", "special character"),
        ("@db:port/midwatch", "port is no number"),
        ("@db:70000/midwatch", "port is no number"),
        ("@[fd00::1/midwatch", "no URL"),
        ("@db/midwatch?sslmode=on", "sslmode is one of disable, allow, prefer"),
        ("@db/midwatch?ssl=1", "its settings are sslmode"),
        ("@db/midwatch?password=x", "its settings are sslmode"),
        ("@db/midwatch?port=²", "port is no number"),
        ("@db/midwatch?sslmode=verify-full&sslrootcert=/absent/ca.pem", "there is no file /absent/ca.pem"),
    ],
)
def test_refuses_other_urls_without_showing_them(rest: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason) as raised:
        open_metadata(f"postgresql://ann:{SECRET}{rest}")
    assert SECRET not in str(raised.value)
    assert raised.value.__cause__ is None


@pytest.mark.parametrize("password", ["12/3", "12#3", "12?3"])
def test_a_password_whose_characters_split_the_url_is_never_shown(password: str) -> None:
    with pytest.raises(ConfigError, match="percent-encoded") as raised:
        open_metadata(f"postgresql://ann:{password}@db/midwatch")
    assert "12" not in str(raised.value)


def test_a_certificate_that_is_there_is_taken(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("")
    parse_url(f"postgresql://db/midwatch?sslmode=verify-full&sslrootcert={tmp_path}/ca.pem")


@pytest.mark.parametrize("driver", ["asyncpg", "greenlet"])
def test_an_absent_driver_names_the_extra(driver: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, driver, None)
    with pytest.raises(ConfigError, match=r"install midwatch\[postgres\]"):
        open_metadata("postgresql://db/midwatch")


def test_postgresql_keeps_no_traces() -> None:
    assert open_traces("postgresql://db/midwatch") is None
