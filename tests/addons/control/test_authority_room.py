"""The CA in control: the next one takes over in time, what others change is seen, and workers are told once."""

import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from midwatch.control.authority_room import AuthorityRoom
from midwatch.home import Home, write_private
from midwatch.trust import ensure_ca, write_client_bundle
from midwatch.trust.authority import Authority
from midwatch.trust.keeping import signing, stage
from midwatch.trust.making import new_authority
from midwatch_core.config import Config, load_config
from midwatch_core.errors import StorageUnavailableError
from midwatch_core.model.audit import AuditRecord
from tests.addons.trust.pki import Signer, signer

NOW = datetime.now(UTC)
DAY = timedelta(days=1)


class Desk:
    """The room, its clock, how often workers were told, and what is on record."""

    def __init__(self, home: Home, config: Config) -> None:
        self.home = home
        self.passed = timedelta()
        self.told = 0
        self.records: list[tuple[str, str, str]] = []
        self.away = False
        self.room = AuthorityRoom(home, config, self, self._tell, self._record)

    def now(self) -> datetime:
        return NOW + self.passed

    def monotonic(self) -> float:
        return self.passed.total_seconds()

    async def _tell(self) -> None:
        self.told += 1

    async def _record(self, record: AuditRecord) -> None:
        if self.away:
            raise StorageUnavailableError("away")
        self.records.append((record.actor, record.action, record.subject))


def config_of(*files: Path) -> Config:
    return load_config(file=None, flags={"tls": {"ca": [str(file) for file in files]}}, environ={})


@pytest.fixture(scope="module")
def made() -> Authority:
    return new_authority()


@pytest.fixture
def desk(tmp_path: Path, made: Authority) -> Desk:
    home = Home(tmp_path / "home")
    home.prepare()
    write_private(home.ca_file, made.pem())
    ensure_ca(home)
    return Desk(home, config_of())


async def test_the_next_one_takes_over_at_its_moment_and_workers_are_told_once(desk: Desk) -> None:
    coming = new_authority(NOW.date())
    stage(desk.home, coming, NOW + DAY)
    await desk.room.look()
    assert (desk.told, signing(desk.home) == coming) == (0, False)
    desk.passed = DAY
    await desk.room.look()
    await desk.room.look()
    assert (desk.told, signing(desk.home)) == (1, coming)
    assert desk.records == [("control", "ca_take_over", coming.id)]


async def test_what_a_command_changed_is_seen_at_once_and_put_on_record(desk: Desk) -> None:
    stage(desk.home, new_authority(), NOW)
    assert await desk.room.answer({"op": "authority", "did": "ca_rotate", "subject": "0123456789ab"}) == {
        "authority": True
    }
    assert desk.told == 1
    assert desk.records == [("command line", "ca_rotate", "0123456789ab")]


async def test_words_nobody_knows_are_not_put_on_record(desk: Desk) -> None:
    await desk.room.answer({"op": "authority", "did": ["x"], "subject": 7})
    await desk.room.answer({"op": "authority"})
    assert (desk.records, desk.told) == ([], 0)


async def test_a_store_that_is_away_stops_nothing(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    desk.away = True
    stage(desk.home, new_authority(), NOW)
    await desk.room.answer({"op": "authority", "did": "ca_rotate", "subject": "x"})
    assert desk.told == 1
    assert "could not be put on record" in caplog.text


async def test_one_that_is_damaged_is_said_and_the_others_stay(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    desk.home.next_ca_file.write_bytes(b"no CA")
    for _ in range(3):
        await desk.room.look()
    assert caplog.text.count("the CA in use stays") == 1
    assert desk.told == 0


async def test_files_from_outside_are_followed_and_a_bad_change_is_said_once(
    desk: Desk, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "tls.pem"

    def write(text: bytes) -> None:
        fresh = tmp_path / "fresh"
        fresh.write_bytes(text)
        fresh.chmod(0o600)
        fresh.replace(file)

    one, two = signer("one"), signer("two")
    write(one.key_pem + one.pem)
    await desk.room.follow(config_of(file))
    await desk.room.follow(config_of(file))
    assert (desk.told, desk.home.ca_certificate.read_bytes().strip()) == (1, one.pem.strip())
    await desk.room.look()
    assert desk.told == 1
    write(two.pem)
    await desk.room.look()
    await desk.room.look()
    assert desk.told == 1
    assert caplog.text.count("the CA in use stays: tls.ca: ") == 1
    write(two.key_pem + two.pem)
    await desk.room.look()
    assert (desk.told, desk.home.ca_certificate.read_bytes().strip()) == (2, two.pem.strip())
    await desk.room.follow(config_of())
    assert desk.told == 3
    assert desk.home.ca_certificate.parent == desk.home.ca


async def test_what_is_published_comes_back_where_a_command_took_it_away(desk: Desk, tmp_path: Path) -> None:
    file, own = tmp_path / "tls.pem", signer("one")
    file.touch(mode=0o600)
    file.write_bytes(own.key_pem + own.pem)
    await desk.room.follow(config_of(file))
    ensure_ca(desk.home)  # as a command does that knows nothing of `tls.ca`
    await desk.room.look()
    assert desk.home.ca_certificate == desk.home.given_ca_certificate
    told = desk.told
    await desk.room.look()
    assert desk.told == told


async def test_bundles_that_somebody_was_told_of_have_the_new_one(desk: Desk, tmp_path: Path) -> None:
    write_client_bundle(desk.home)
    file, own = tmp_path / "tls.pem", signer("one")
    file.touch(mode=0o600)
    file.write_bytes(own.key_pem + own.pem)
    await desk.room.follow(config_of(file))
    assert own.pem.strip() in desk.home.client_bundle.read_bytes()


async def test_a_setting_that_can_t_be_followed_leaves_the_last(desk: Desk, tmp_path: Path) -> None:
    await desk.room.follow(config_of(tmp_path / "absent.pem"))
    assert desk.told == 0
    assert desk.home.ca_certificate.parent == desk.home.ca


async def test_one_that_could_not_be_published_is_tried_again(
    desk: Desk, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    obstacle = desk.home.run / f".given-ca-cert.pem.{os.getpid()}"  # as good as a disk that is full
    obstacle.mkdir()
    file, own = tmp_path / "tls.pem", signer("one")
    file.touch(mode=0o600)
    file.write_bytes(own.key_pem + own.pem)
    await desk.room.follow(config_of(file))
    await desk.room.look()
    assert (desk.told, caplog.text.count("the CA in use stays")) == (0, 1)
    obstacle.rmdir()
    await desk.room.look()
    assert (desk.told, desk.home.ca_certificate.read_bytes().strip()) == (1, own.pem.strip())


async def test_one_that_does_not_hold_yet_waits_for_its_day(
    desk: Desk, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file, early, over = tmp_path / "tls.pem", signer("early", begins=DAY), signer("over", lasts=DAY)
    file.touch(mode=0o600)
    file.write_bytes(early.key_pem + early.pem)
    await desk.room.follow(config_of(file))
    await desk.room.look()
    assert (desk.told, caplog.text.count("holds from")) == (0, 1)
    desk.passed = 2 * DAY
    await desk.room.look()
    assert desk.told == 1
    file.write_bytes(over.key_pem + over.pem)
    await desk.room.look()
    assert desk.told == 1
    assert "expired on" in caplog.text


async def test_files_that_change_while_they_are_read_are_read_again(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, one, two = tmp_path / "tls.pem", signer("one"), signer("another two")

    def write(own: Signer) -> None:
        file.touch(mode=0o600)
        file.write_bytes(own.key_pem + own.pem)

    def read_and_meanwhile(home: Home, given: Sequence[Path]) -> None:
        ensure_ca(home, given)
        write(two)

    write(one)
    with monkeypatch.context() as patched:
        patched.setattr("midwatch.control.authority_room.ensure_ca", read_and_meanwhile)
        await desk.room.follow(config_of(file))
    await desk.room.look()
    assert (desk.told, desk.home.ca_certificate.read_bytes().strip()) == (2, two.pem.strip())


async def test_where_somebody_took_the_ca_away_no_other_is_made(desk: Desk) -> None:
    desk.home.ca_file.rename(desk.home.root / "elsewhere.pem")
    await desk.room.look()
    assert not desk.home.ca_file.exists()
