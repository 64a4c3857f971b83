"""Control's access room: the first key, once and only where it is needed; changes, reloads and faces in one place."""

import re
from pathlib import Path
from typing import Any

import pytest

from midwatch.access_file import read_access
from midwatch.control.access_room import AccessRoom, console_asks
from midwatch.control.anchoring import AnchoredMetadata, AnchorFile
from midwatch.home import Home
from midwatch_core.access.caller import LOCAL, Caller
from midwatch_core.access.claims import configured_tenants
from midwatch_core.clock import SystemClock
from midwatch_core.config import Config
from midwatch_core.errors import ConfigError, StorageUnavailableError
from midwatch_core.model.apikey import AccessRole, ApiKey
from midwatch_memory.metadata import MemoryMetadata


class Store(MemoryMetadata):
    """A store that may be away."""

    away = False

    async def setting(self, key: str) -> str | None:
        if self.away:
            raise StorageUnavailableError("away")
        return await super().setting(key)

    async def keys(self) -> Any:
        if self.away:
            raise StorageUnavailableError("away")
        return await super().keys()


@pytest.fixture
async def store() -> Store:
    made = Store()
    await made.start()
    return made


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path / "home")
    made.prepare()
    return made


def room_of(home: Home, store: Store, *, private: bool = False, **settings: Any) -> AccessRoom:
    async def tell() -> None:
        return None

    metadata = AnchoredMetadata(store, AnchorFile(home.audit_anchor))
    return AccessRoom(home, Config.model_validate(settings), metadata, SystemClock(), tell, private=private)


def first_key(capsys: pytest.CaptureFixture[str]) -> str | None:
    told = capsys.readouterr()
    assert "mw_" not in told.out
    found = re.search(r"shown this once: (mw_\S+)", told.err)
    return found[1] if found else None


@pytest.mark.parametrize(
    "settings", [{"console": "0.0.0.0:8082"}, {"access": {"console": "always"}}, {"identity": {"required": True}}]
)
async def test_the_first_key_is_shown_once_where_keys_are_asked_for(
    home: Home, store: Store, capsys: pytest.CaptureFixture[str], settings: dict[str, Any]
) -> None:
    room = room_of(home, store, **settings)
    await room.start()
    key = first_key(capsys)
    assert key is not None
    caller = room.doorkeeper.caller(key)
    assert caller is not None
    assert (caller.role, caller.tenant) == (AccessRole.ADMIN, None)
    assert isinstance(read_access(home, ()).holder(key, SystemClock().now()), ApiKey)
    await room_of(home, store, **settings).start()
    assert first_key(capsys) is None


async def test_no_key_is_made_where_none_is_asked_for(
    home: Home, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    room = room_of(home, store)
    await room.start()
    assert (first_key(capsys), await store.keys()) == (None, [])
    assert room.doorkeeper.still(LOCAL)


@pytest.mark.parametrize(
    ("settings", "shown"), [({"identity": {"required": True}}, False), ({"access": {"console": "always"}}, True)]
)
async def test_a_command_s_own_proxy_shows_a_key_only_where_its_console_asks_for_one(
    home: Home, store: Store, capsys: pytest.CaptureFixture[str], settings: dict[str, Any], shown: bool
) -> None:
    await room_of(home, store, private=True, **settings).start()
    assert (first_key(capsys) is not None) is shown


async def test_with_the_store_away_it_starts_all_the_same(
    home: Home, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    first = room_of(home, store, console="0.0.0.0:8082")
    await first.start()
    key = first_key(capsys)
    assert key is not None
    store.away = True
    room = room_of(home, store, console="0.0.0.0:8082")
    await room.start()
    assert isinstance(room.doorkeeper.caller(key), Caller)
    assert first_key(capsys) is None


async def test_a_first_key_that_is_none_stops_the_start(
    home: Home, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIRST_KEY", "hunter2")
    room = room_of(home, store, console="0.0.0.0:8082", access={"admin_key": "${FIRST_KEY}"})
    with pytest.raises(ConfigError, match=r"access\.admin_key"):
        await room.start()


async def test_messages_reloads_and_the_audit_log_meet_here(home: Home, store: Store) -> None:
    room = room_of(home, store)
    await room.start()
    config = Config.model_validate({"tenants": {"acme": {"networks": ["10.0.0.0/8"]}}})
    await room.follow(config)
    configured = configured_tenants(config.tenants, config.tenant)
    assert read_access(home, configured).by_network("10.0.0.1") == "acme"
    made = await room.administer({"op": "key_create", "role": "viewer", "tenant": "acme"})
    assert room.doorkeeper.caller(made["key"]) == Caller(name=made["row"]["id"], role=AccessRole.VIEWER, tenant="acme")
    await room.administer({"op": "key_revoke", "id": made["row"]["id"]})
    assert room.doorkeeper.caller(made["key"]) is None
    assert await room.administer({"op": "audit_verify"}) == {"entries": 2, "anchored": 2, "fault": None}


@pytest.mark.parametrize(
    ("console", "setting", "asks"),
    [
        ("127.0.0.1:8082", "auto", False),
        ("[::1]:8082", "auto", False),
        ("localhost:8082", "auto", False),
        ("0.0.0.0:8082", "auto", True),
        ("[::]:8082", "auto", True),
        ("10.0.0.1:8082", "auto", True),
        ("console.example:8082", "auto", True),
        ("127.0.0.1:8082", "always", True),
        ("0.0.0.0:8082", "never", False),
    ],
)
def test_where_the_console_asks(console: str, setting: str, asks: bool) -> None:
    assert console_asks(Config.model_validate({"console": console, "access": {"console": setting}})) is asks
