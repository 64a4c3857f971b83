"""Settings: resolved from their sources, kept in a snapshot that other processes read back the same."""

from pathlib import Path

import pytest

from midwatch.home import Home
from midwatch.settings import catalogue_of, dialects_of, read_snapshot, resolve, write_snapshot
from midwatch_core.errors import ConfigError


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path / "home")
    made.prepare()
    return made


def test_a_snapshot_says_what_was_resolved(home: Home) -> None:
    home.config_file.write_text(
        "providers: [{name: acme, hosts: [llm.acme.example], priced_like: openai}]\n"
        "upstream_ca: ca.pem\nstorage: {traces: 'memory://', metadata: 'memory://'}\nintercept: [a.example]\n"
    )
    settings = resolve(home, config_file=None, flags={"workers": 2, "mode": ["regular"]})
    write_snapshot(settings)
    back = read_snapshot(home)
    assert back.config.model_dump() == settings.config.model_dump()
    assert back.sources == settings.sources
    assert home.snapshot.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("content", [None, b"", b"{}", b"[]", b"null", b'{"config": 1}', b'{"config": {"workers": 0}}'])
def test_a_snapshot_that_is_none_says_what_to_do(home: Home, content: bytes | None) -> None:
    if content is not None:
        home.snapshot.write_bytes(content)
    with pytest.raises(ConfigError, match="start Midwatch again"):
        read_snapshot(home)


def test_a_file_named_wins_over_the_homes(home: Home, tmp_path: Path) -> None:
    home.config_file.write_text("workers: 2\n")
    other = tmp_path / "other.yaml"
    other.write_text("workers: 3\n")
    assert resolve(home, config_file=None, flags={}).config.workers == 2
    assert resolve(home, config_file=other, flags={}).config.workers == 3
    assert resolve(home, config_file=other, flags={}).sources.file == other


def test_only_allowed_plugins_load_whoever_says_so(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(resolve(home, config_file=None, flags={}).plugins.list()) > 3
    home.config_file.write_text("plugins: {allow: [memory, sql]}\n")
    assert {item.name for item in resolve(home, config_file=None, flags={}).plugins.list()} == {"memory", "sql"}
    monkeypatch.setenv("MIDWATCH_PLUGINS__ALLOW", "[memory]")
    settings = resolve(home, config_file=None, flags={})
    assert [item.name for item in settings.plugins.list()] == ["memory"]
    write_snapshot(settings)
    assert [item.name for item in read_snapshot(home).plugins.list()] == ["memory"]


def test_the_users_providers_come_before_the_shipped(home: Home) -> None:
    home.config_file.write_text("providers: [{name: mine, hosts: [api.openai.com]}]\n")
    settings = resolve(home, config_file=None, flags={})
    catalogue = catalogue_of(settings, dialects_of(settings.plugins))
    assert catalogue.providers[0] == "mine"
    assert "anthropic" in catalogue.providers
    match = catalogue.match("api.openai.com", 443, "POST", "/v1/chat/completions")
    assert match is not None
    assert match.provider == "mine"


def test_a_provider_that_is_wrong_names_the_file(home: Home) -> None:
    home.config_file.write_text("providers: [{name: mine, routes: nosuch}]\n")
    settings = resolve(home, config_file=None, flags={})
    with pytest.raises(ConfigError, match=r"config.yaml: provider 'mine': no route set 'nosuch'"):
        catalogue_of(settings, dialects_of(settings.plugins))
