"""When a CA's certificate expires, read from its file."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from midwatch.control.certificate_expiry import Ends, ends_of, expires_at
from midwatch.home import Home
from midwatch.trust import ensure_ca
from midwatch.trust.pem import with_moment
from tests.addons.control.certificates import ca_until

LAST_DAY = datetime(2027, 1, 31, 23, 59, 58, tzinfo=UTC)


@pytest.mark.parametrize(
    "end", [LAST_DAY, datetime(2020, 2, 29, tzinfo=UTC), datetime(2060, 7, 1, tzinfo=UTC)], ids=str
)
def test_the_end_is_read_of_one_that_is_over_too(tmp_path: Path, end: datetime) -> None:
    file = tmp_path / "ca.pem"
    file.write_bytes(ca_until(end))
    assert expires_at(file) == end


def test_of_several_the_first_to_end_counts(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_bytes(ca_until(LAST_DAY + timedelta(days=9)) + ca_until(LAST_DAY))
    assert expires_at(file) == LAST_DAY


def test_our_own_lasts_for_years(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.prepare()
    ensure_ca(home)
    end = expires_at(home.ca_certificate)
    assert end is not None
    assert end > datetime.now(UTC) + timedelta(days=365)


def test_a_home_without_a_ca_says_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert expires_at(tmp_path / "absent.pem") is None
    assert caplog.text == ""


@pytest.mark.parametrize("content", [b"", b"no pem", b"\xff\xfe", b"-----BEGIN CERTIFICATE-----\nAAAA\n"], ids=repr)
def test_what_is_no_certificate_is_told_and_has_no_end(
    tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "ca.pem"
    file.write_bytes(content)
    assert expires_at(file) is None
    assert "ca.pem" in caplog.text


def test_a_home_tells_of_the_one_that_signs_and_of_the_next(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.prepare()
    assert ends_of(home) == Ends()
    home.ca_file.write_bytes(b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n" + ca_until(LAST_DAY))
    assert ends_of(home) == Ends(active=LAST_DAY)
    later, at = LAST_DAY + timedelta(days=99), LAST_DAY - timedelta(days=9)
    home.next_ca_file.write_bytes(with_moment(ca_until(later), at))
    assert ends_of(home) == Ends(active=LAST_DAY, next=later, next_from=at)
    home.given_ca_chain.write_bytes(ca_until(later))  # `tls.ca` signs instead
    assert ends_of(home) == Ends(active=later)
