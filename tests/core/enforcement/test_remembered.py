"""Values of conversations that the provider keeps: by tenant, for a time, and not without bound."""

from midwatch_core.enforcement.remembered import Remembered

VALUES = {"<EMAIL_k3f9>": "bob@x.org"}


def test_a_later_call_gets_them_back() -> None:
    kept = Remembered()
    kept.keep("acme", "resp_1", VALUES, 0.0)
    assert kept.of("acme", "resp_1", 10.0) == VALUES
    assert kept.of("other", "resp_1", 10.0) == {}
    assert kept.of("acme", "resp_2", 10.0) == {}


def test_they_are_forgotten_in_time_and_in_number() -> None:
    kept = Remembered(ttl_s=60, most=2)
    for number in range(3):
        kept.keep("t", f"r{number}", VALUES, float(number))
    assert [bool(kept.of("t", f"r{number}", 3.0)) for number in range(3)] == [False, True, True]
    assert (kept.of("t", "r2", 100.0), len(kept)) == ({}, 0)


def test_what_is_kept_is_a_copy() -> None:
    kept = Remembered()
    values = dict(VALUES)
    kept.keep("t", "r", values, 0.0)
    values.clear()
    assert kept.of("t", "r", 0.0) == VALUES
