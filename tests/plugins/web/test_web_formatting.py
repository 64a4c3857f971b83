"""Numbers as people read them."""

from decimal import Decimal

import pytest

from midwatch_web.serving import formatting


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        ("0", "$0"),
        ("0.000045", "$0.000045"),
        ("0.0001909", "$0.000191"),
        ("0.0123", "$0.0123"),
        ("0.1", "$0.10"),
        ("0.999", "$0.999"),
        ("1.005", "$1.00"),
        ("12345.678", "$12,345.68"),
        ("1E-9", "$0.000000001"),
    ],
)
def test_dollars_keep_their_leading_digits(value: str | None, text: str) -> None:
    assert formatting.dollars(None if value is None else Decimal(value)) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), (0.0, "0.0 ms"), (9.96, "10.0 ms"), (412.4, "412 ms"), (999.6, "1.00 s"), (59_996, "1 min 00 s")],
)
def test_durations_change_unit(value: float | None, text: str) -> None:
    assert formatting.duration(value) == text


def test_rates_and_names() -> None:
    assert [formatting.decimal(Decimal(text)) for text in ("2.50", "0.075", "10")] == ["2.5", "0.075", "10"]
    assert [formatting.units(value) for value in (1_000_000, 1000, 1, 1500)] == ["1 M", "1 K", "1", "1,500"]
    assert formatting.tally(["a", "b", "a"]) == [("a", 2), ("b", 1)]
    assert [formatting.size(value) for value in (1, 1234)] == ["1 character", "1,234 characters"]


def test_what_a_subscription_pays_is_marked() -> None:
    assert formatting.cost(Decimal("0.5"), "api_equivalent") == "≈ $0.50"
    assert formatting.cost(Decimal("0.5"), "metered") == "$0.50"
    assert formatting.cost(None, "api_equivalent") == "–"
