"""Start checks: budgets that workers can't share, secrets that are missing, schemas that wait for a command."""

import logging
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from midwatch.home import Home
from midwatch.settings import resolve
from midwatch.start_checks import check_ca, check_counters, check_schemas, check_secrets, check_upstream
from midwatch_core.config import Config, model_with
from midwatch_core.errors import ConfigError
from midwatch_core.storage import storage_profile
from midwatch_core.upstream_settings import UpstreamSettings
from midwatch_web.settings import WebSettings
from tests.addons.trust.pki import DAY, signer

HARD = {"budgets": [{"id": "month", "usd": 100}]}
SOFT = {"budgets": [{"id": "month", "usd": 100, "hard": False}]}


def counted(home: Path, **settings: Any) -> None:
    config = Config.model_validate(settings)
    check_counters(config, storage_profile(config, home))


def test_a_hard_budget_of_several_workers_needs_a_shared_cache(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"storage\.cache: the hard budget 'month' needs a cache that 2 workers share"
    ):
        counted(tmp_path, workers=2, **HARD)


@pytest.mark.parametrize(
    "settings",
    [
        {"workers": 1, **HARD},
        {"workers": 2, **HARD, "storage": {"cache": "valkey://h"}},
        {"workers": 2, "limits": []},
    ],
)
def test_nothing_is_said_where_all_is_counted_together(
    tmp_path: Path, settings: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    counted(tmp_path, **settings)
    assert caplog.text == ""


@pytest.mark.parametrize("settings", [{}, {"limits": [], **SOFT}])
def test_limits_of_several_workers_are_warned_of(
    tmp_path: Path, settings: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    counted(tmp_path, workers=3, **settings)
    assert "counted in each of 3 workers: up to 3 times as much passes" in caplog.text


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        (
            {"storage": {"encryption": {"key": "${ABSENT_OF_ALL}"}}},
            "storage.encryption.key: the variable ABSENT_OF_ALL",
        ),
        ({"web": {"scrape_token": "${ABSENT_OF_ALL}"}}, "web.scrape_token: the variable ABSENT_OF_ALL"),
        ({"access": {"admin_key": "${file:/absent/of/all}"}}, "access.admin_key: /absent/of/all: No such file"),
    ],
)
def test_a_secret_that_will_be_needed_must_be_there(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(says)):
        check_secrets(model_with({"web": WebSettings}).model_validate(settings))


def of_files(home: Home, *, metadata: str | None = None) -> dict[str, Any]:
    """Production over SQLite files: the same checks as over servers."""
    own = f"sqlite:///{home.root / 'own.db'}"
    return {"storage": {"profile": "production", "traces": own, "metadata": metadata or own, "cache": "memory://"}}


def schemas(home: Home, flags: dict[str, Any]) -> None:
    settings = resolve(home, config_file=None, flags=flags)
    check_schemas(settings, storage_profile(settings.config, home.root))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path / "home")
    made.prepare()
    return made


def test_a_schema_that_is_not_there_names_the_command(home: Home) -> None:
    with pytest.raises(ConfigError, match=r"storage\.traces: sqlite:///.*at nothing, not .*; run: midwatch migrate up"):
        schemas(home, of_files(home))
    assert not (home.root / "own.db").exists()


async def test_it_can_be_checked_within_an_event_loop(home: Home) -> None:
    with pytest.raises(ConfigError, match="run: midwatch migrate up"):
        schemas(home, of_files(home))


def test_a_store_that_is_away_is_no_refusal(home: Home, caplog: pytest.LogCaptureFixture) -> None:
    nobody = "postgresql://me:${PW}@127.0.0.1:9/db"
    with caplog.at_level(logging.WARNING), pytest.MonkeyPatch.context() as patch:
        patch.setenv("PW", "s3cret-of-mine")
        flags = of_files(home, metadata=nobody)
        flags["storage"]["traces"] = "memory://"
        schemas(home, flags)
    assert "storage.metadata: postgresql://me:***@127.0.0.1:9/db: " in caplog.text
    assert "the journal keeps until it is back" in caplog.text
    assert "s3cret" not in caplog.text


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"proxy": "http://me:${NO_SUCH}@proxy:1"}, r"upstream\.proxy: the variable NO_SUCH is not set"),
        ({"proxy": "socks5://proxy:1"}, r"upstream\.proxy: a proxy is http://HOST:PORT"),
        ({"client_certificates": {"a.example": "/absent.pem"}}, r"a\.example: /absent\.pem: No such file"),
    ],
)
def test_the_way_to_servers_is_looked_at_before_it_is_taken(settings: dict[str, Any], says: str) -> None:
    check_upstream(UpstreamSettings())
    with pytest.raises(ConfigError, match=says):
        check_upstream(UpstreamSettings.model_validate(settings))


def test_a_ca_from_outside_that_could_not_sign_is_refused_at_a_start_and_a_reload(tmp_path: Path) -> None:
    file = tmp_path / "tls.pem"
    own = signer("own")
    file.touch(mode=0o600)
    file.write_bytes(own.pem)
    config = Config.model_validate({"tls": {"ca": str(file)}})
    with pytest.raises(ConfigError, match="expected one private key"):
        check_ca(config)
    file.write_bytes(own.key_pem + own.pem)
    check_ca(config)
    file.chmod(0o644)
    with pytest.raises(ConfigError, match="everybody may read"):
        check_ca(config)


@pytest.mark.parametrize(("begins", "lasts", "says"), [(DAY, 9 * DAY, "holds from"), (-9 * DAY, -DAY, "expired on")])
def test_a_ca_from_outside_that_is_not_of_today_is_said_and_stops_no_start(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, begins: timedelta, lasts: timedelta, says: str
) -> None:
    file, own = tmp_path / "tls.pem", signer("one", begins=begins, lasts=lasts)
    file.touch(mode=0o600)
    file.write_bytes(own.key_pem + own.pem)
    check_ca(Config.model_validate({"tls": {"ca": [str(file)]}}))
    assert f"tls.ca: {file}: {says}" in caplog.text
