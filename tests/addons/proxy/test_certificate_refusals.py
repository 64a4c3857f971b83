"""Refusals: which ends of a handshake are about our certificate."""

import pytest

from midwatch.proxy.inventory.refusals import Silences, alert_of, hung_up
from tests.addons.proxy.hellos import HUNG_UP


@pytest.mark.parametrize(
    ("error", "alert"),
    [
        ("The client does not trust the proxy's certificate for a.b (tlsv1 alert unknown ca)", "unknown ca"),
        ("sslv3 alert bad certificate", "bad certificate"),
        ("ssl/tls alert bad certificate", "bad certificate"),
        ("OpenSSL Error([('SSL routines', '', 'ssl/tls alert certificate unknown')])", "certificate unknown"),
        ("OpenSSL Error([('SSL routines', '', 'sslv3 alert certificate unknown')])", "certificate unknown"),
        ("OpenSSL Error([('SSL routines', '', 'ssl/tls alert unsupported certificate')])", "unsupported certificate"),
        ("OpenSSL Error([('SSL routines', '', 'sslv3 alert certificate expired')])", None),
        ("OpenSSL Error([('SSL routines', '', 'sslv3 alert handshake failure')])", None),
        ("OpenSSL Error([('SSL routines', '', 'no shared cipher')])", None),
        ("Client and mitmproxy cannot agree on a TLS version to use.", None),
        (HUNG_UP, None),
        ("connection closed early", None),
        ("", None),
        (None, None),
    ],
)
def test_an_alert_about_a_certificate_is_a_refusal(error: str | None, alert: str | None) -> None:
    assert alert_of(error) == alert
    assert hung_up(error) is (error == HUNG_UP)


def test_leaving_without_a_word_counts_the_second_time_in_a_row() -> None:
    silences = Silences()
    assert [silences.left("a") for _ in range(2)] == [False, True]
    assert [silences.left("a"), silences.left("b"), silences.left("b")] == [False, False, True]


def test_who_has_spoken_once_is_not_judged_by_its_silence() -> None:
    silences = Silences()
    assert not silences.left("a")
    silences.spoke("a")
    assert not any(silences.left("a") for _ in range(5))


def test_what_is_remembered_is_bounded() -> None:
    silences = Silences()
    for number in range(5000):
        silences.spoke(number)
        silences.left(-1 - number)
    assert not silences.left(0)  # it is forgotten that it spoke
    assert silences.left(0)
    assert not silences.left(4999)
    assert not silences.left(-1)  # and this one's first time
