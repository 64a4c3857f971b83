"""The first admin key: made or taken once, where no admin has one, and never brought back."""

from datetime import timedelta
from pathlib import Path

import pytest

from midwatch_core.access.administering import Administration, KeyWish
from midwatch_core.access.bootstrap import CONTROL, first_admin_key
from midwatch_core.access.keys import is_key_of, new_key
from midwatch_core.errors import ConfigError
from midwatch_core.model.apikey import AccessRole
from midwatch_core.ports import Scope
from midwatch_memory.metadata import MemoryMetadata
from tests.core.access.conftest import StandingClock, tenant


@pytest.fixture
def administration(metadata: MemoryMetadata, clock: StandingClock) -> Administration:
    return Administration(metadata, clock, configured=lambda: (tenant("acme"),))


async def test_one_is_made_once(administration: Administration, metadata: MemoryMetadata, clock: StandingClock) -> None:
    made = await first_admin_key(administration, clock, None)
    assert made is not None
    assert (made.key.role, made.key.tenant, made.key.expires_at) == (AccessRole.ADMIN, None, None)
    assert await first_admin_key(administration, clock, None) is None
    (entry,) = await metadata.audit(Scope(), limit=9)
    assert (entry.record.actor, entry.record.subject) == ("control", made.key.id)


@pytest.mark.parametrize("role", [AccessRole.OPERATOR, AccessRole.CLIENT])
async def test_others_keys_are_not_enough(
    administration: Administration, clock: StandingClock, role: AccessRole
) -> None:
    await administration.create_key(CONTROL, KeyWish(role=role))
    await administration.create_key(CONTROL, KeyWish(role=AccessRole.ADMIN, tenant="acme"))
    expiring = KeyWish(role=AccessRole.ADMIN, expires_at=clock.now() + timedelta(hours=1))
    await administration.create_key(CONTROL, expiring)
    assert await first_admin_key(administration, clock, None) is None
    clock.move(timedelta(hours=1))
    assert await first_admin_key(administration, clock, None) is not None


async def test_the_one_of_the_settings_is_taken_and_not_shown(
    administration: Administration,
    metadata: MemoryMetadata,
    clock: StandingClock,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = new_key().text
    (tmp_path / "key").write_text(f"{text}\n")
    monkeypatch.setenv("FIRST_KEY", text)
    for told in (f"${{file:{tmp_path}/key}}", "${FIRST_KEY}"):
        assert await first_admin_key(administration, clock, told) is None
    (key,) = await metadata.keys()
    assert is_key_of(text, key.digest)


async def test_one_that_was_revoked_does_not_come_back(
    administration: Administration, clock: StandingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = new_key()
    monkeypatch.setenv("FIRST_KEY", made.text)
    await first_admin_key(administration, clock, "${FIRST_KEY}")
    await administration.revoke_key(CONTROL, made.id)
    with pytest.raises(ConfigError, match=r"access\.admin_key: .*already") as raised:
        await first_admin_key(administration, clock, "${FIRST_KEY}")
    assert made.text not in str(raised.value)


@pytest.mark.parametrize("told", ["${FIRST_KEY}", "${NOT_SET}"])
async def test_what_is_no_key_is_named_and_not_shown(
    administration: Administration, clock: StandingClock, monkeypatch: pytest.MonkeyPatch, told: str
) -> None:
    monkeypatch.setenv("FIRST_KEY", "hunter2")
    with pytest.raises(ConfigError, match=r"^access\.admin_key: ") as raised:
        await first_admin_key(administration, clock, told)
    assert "hunter2" not in str(raised.value)
