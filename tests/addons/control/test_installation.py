"""The installation as it is told: rules of the packs in use, settings without secrets, plugins, stores."""

from dataclasses import replace
from pathlib import Path

import pytest

from midwatch.control.installation import LiveInstallation
from midwatch.home import Home
from midwatch.settings import resolve
from midwatch_core.access.caller import LOCAL, Caller
from midwatch_core.access.errors import AccessDeniedError
from midwatch_core.metrics import Sample
from midwatch_core.model.apikey import AccessRole
from midwatch_core.plugin_metrics import DISABLED
from tests.plugins.web.conftest import WatchedTraces
from tests.plugins.web.installed import CONFIG, PACK, installation_of, settings_in

OF_ACME = Caller(name="a", role=AccessRole.ADMIN, tenant="acme")
CLIENT = Caller(name="c", role=AccessRole.CLIENT)


@pytest.fixture
def installation(tmp_path: Path) -> LiveInstallation:
    return installation_of(settings_in(tmp_path / "home"), WatchedTraces())


def test_a_rule_is_told_with_all_that_its_pack_says(installation: LiveInstallation) -> None:
    told = installation.rule(LOCAL, "own/words/zephyr")
    assert told is not None
    assert (told["pack_id"], told["pack_version"], told["where"], told["examples"]) == ("own/words", 3, ["user"], 2)
    spec = told["spec"]
    assert isinstance(spec, dict)
    assert spec["examples"] == {"match": ["a zephyr blows"], "pass": ["the wind"]}
    assert [row["id"] for row in installation.rules(LOCAL)].count("own/words/zephyr") == 1
    assert installation.rule(LOCAL, "own/words/nosuch") is None


def test_packs_are_read_again_when_settings_follow(installation: LiveInstallation, tmp_path: Path) -> None:
    assert installation.rule(LOCAL, "own/words/gale") is None
    (tmp_path / "home" / "rules" / "own.rules.yaml").write_text(PACK.replace("id: zephyr", "id: gale"))
    settings = resolve(Home(tmp_path / "home"), config_file=None, flags={})
    installation.follow(settings.config)
    assert installation.rule(LOCAL, "own/words/gale") is not None


def test_a_pack_that_cannot_be_read_is_left_out(installation: LiveInstallation, tmp_path: Path) -> None:
    (tmp_path / "home" / "rules" / "bad.rules.yaml").write_text("pack: [")
    assert installation.rule(LOCAL, "own/words/zephyr") is not None


def test_settings_say_who_said_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIDWATCH_ACCESS__ADMIN_KEY", "mw_secret")
    settings = settings_in(tmp_path / "home")
    settings = replace(settings, sources=replace(settings.sources, flags={"listen": "127.0.0.1:1"}))
    told = installation_of(settings, WatchedTraces()).settings(LOCAL)
    assert "mw_secret" not in repr(told)
    said_by = told["said_by"]
    assert isinstance(said_by, dict)
    assert said_by["storage"] == str(tmp_path / "home" / "config.yaml")
    assert (said_by["access.admin_key"], said_by["listen"]) == ("MIDWATCH_ACCESS__ADMIN_KEY", "--listen")
    assert "workers" not in said_by


def test_settings_are_told_when_their_file_is_gone(installation: LiveInstallation, tmp_path: Path) -> None:
    (tmp_path / "home" / "config.yaml").unlink()
    told = installation.settings(LOCAL)
    assert told["said_by"] == {}
    assert told["settings"]


async def test_stores_and_versions_are_among_the_system(tmp_path: Path) -> None:
    settings = settings_in(tmp_path / "home")
    (tmp_path / "home" / "config.yaml").write_text(CONFIG.replace("storage: memory\n", "").replace(", web,", ", sql,"))
    settings = resolve(Home(tmp_path / "home"), config_file=None, flags={})
    told = await installation_of(settings, WatchedTraces()).system(LOCAL)
    stores, versions = told["stores"], told["versions"]
    assert isinstance(stores, list)
    assert isinstance(versions, dict)
    assert [(store["store"], store["schema"]) for store in stores if isinstance(store, dict)] == [
        ("traces", None),
        ("metadata", None),
        ("cache", None),
    ]
    assert "python" in versions
    assert "plugins" not in told


def test_a_plugin_that_any_process_leaves_alone_has_an_open_breaker(tmp_path: Path) -> None:
    settings = settings_in(tmp_path / "home")
    assert {row["breaker"] for row in installation_of(settings, WatchedTraces()).plugins(LOCAL)} == {"closed"}
    samples = [Sample(name=DISABLED, labels=("rules",), values=(1.0,))]
    told = installation_of(settings, WatchedTraces(), samples).plugins(LOCAL)
    assert {row["name"]: row["breaker"] for row in told} == {"memory": "closed", "rules": "open", "web": "closed"}


@pytest.mark.parametrize("caller", [OF_ACME, CLIENT], ids=["of-a-tenant", "client"])
async def test_the_whole_is_not_a_tenants_nor_a_clients(installation: LiveInstallation, caller: Caller) -> None:
    for ask in (installation.plugins, installation.rules, installation.settings):
        with pytest.raises(AccessDeniedError):
            ask(caller)
    with pytest.raises(AccessDeniedError):
        installation.rule(caller, "own/words/zephyr")
    with pytest.raises(AccessDeniedError):
        await installation.system(caller)


async def test_limits_and_budgets_are_told_to_tenants_too(tmp_path: Path) -> None:
    traces = WatchedTraces()
    await traces.start()
    installation = installation_of(settings_in(tmp_path / "home"), traces)
    assert [row["id"] for row in installation.limits(OF_ACME)] == ["requests"]
    assert {row["tenant"] for row in await installation.budgets(OF_ACME)} == {"acme"}
