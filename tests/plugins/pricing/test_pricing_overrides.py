"""The user's own prices: what a file may say, which entry holds, and one line for what is wrong."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from midwatch_core import ConfigError, Usage
from midwatch_pricing.invoice import invoice
from midwatch_pricing.overrides import Like, Overrides, read_overrides
from midwatch_pricing.rates import RateCard

_NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
_MILLION = Usage(input_tokens=1_000_000, output_tokens=0)


def _read(folder: Path, text: str) -> Overrides:
    file = folder / "prices.yaml"
    file.write_text(text)
    return read_overrides(file)


def _card(found: object) -> RateCard:
    assert isinstance(found, RateCard), found
    return found


def _amount(overrides: Overrides, provider: str, model: str, tier: str = "", at: datetime = _NOON) -> Decimal | None:
    found = overrides.find(provider, model, tier, at)
    return None if found is None else invoice(_MILLION, _card(found)).amount


def test_exact_names_come_before_globs_and_expressions(tmp_path: Path) -> None:
    table = _read(
        tmp_path,
        """
        prices:
          - {provider: vllm, model: "*", input: 1}
          - {provider: vllm, model: "llama-*", input: 2}
          - {provider: vllm, model: llama-3, input: 3}
          - {provider: vllm, model: '/qwen-\\d+b/', input: 4}
        """,
    )
    assert _amount(table, "vllm", "llama-3") == 3
    assert _amount(table, "vllm", "LLAMA-3") == 3
    assert _amount(table, "vllm", "other") == 1
    assert _amount(table, "ollama", "llama-3") is None


def test_expressions_are_of_the_whole_name(tmp_path: Path) -> None:
    table = _read(tmp_path, "prices: [{provider: '*', model: '/qwen-\\d+b/', input: 4}]")
    assert _amount(table, "any", "qwen-32b") == 4
    assert _amount(table, "any", "qwen-32b-chat") is None


def test_a_dot_in_a_name_is_a_dot(tmp_path: Path) -> None:
    table = _read(tmp_path, "prices: [{provider: openai, model: gpt-4.1, input: 4}]")
    assert _amount(table, "openai", "gpt-4.1") == 4
    assert _amount(table, "openai", "gpt-4x1") is None


def test_the_latest_price_that_has_begun_holds(tmp_path: Path) -> None:
    table = _read(
        tmp_path,
        """
        prices:
          - {provider: a, model: m, input: 1}
          - {provider: a, model: m, input: 2, from: 2026-06-01}
          - {provider: a, model: m, input: 3, from: 2026-07-01}
        """,
    )
    assert _amount(table, "a", "m", at=datetime(2026, 5, 31, 23, 59, tzinfo=UTC)) == 1
    assert _amount(table, "a", "m") == 2
    assert _amount(table, "a", "m", at=datetime(2026, 7, 1, tzinfo=UTC)) == 3


def test_tiers_are_factors_on_tokens_and_not_on_fees(tmp_path: Path) -> None:
    table = _read(
        tmp_path,
        "prices: [{provider: a, model: m, input: 2.5, output: 10, fees: {web_search: 10}, tiers: {batch: 0.5}}]",
    )
    usage = Usage(input_tokens=1000, output_tokens=100, tool_fees={"web_search": 1})
    cost = invoice(usage, _card(table.find("a", "m", "batch", _NOON)))
    assert cost.amount == Decimal("0.00125") + Decimal("0.0005") + Decimal("0.01")
    assert cost.source == "prices.yaml"
    reason = table.find("a", "m", "flex", _NOON)
    assert reason == "prices.yaml has no factor for service tier 'flex' of a m"


def test_every_kind_of_token(tmp_path: Path) -> None:
    table = _read(
        tmp_path,
        """
        prices:
          - provider: a
            model: m
            input: 1
            cache_read: 2
            cache_write_5m: 3
            cache_write_1h: 4
            input_audio: 5
            cache_audio_read: 6
            input_image: 7
            output: 8
            reasoning: 9
            output_audio: 10
            output_image: 11
        """,
    )
    usage = Usage(
        input_tokens=28_000_000,
        cache_read_tokens=8_000_000,  # of which 6 of audio
        cache_write_5m_tokens=3_000_000,
        cache_write_1h_tokens=4_000_000,
        input_audio_tokens=11_000_000,  # of which 6 cached
        cache_audio_read_tokens=6_000_000,
        input_image_tokens=7_000_000,
        output_tokens=38_000_000,
        reasoning_tokens=9_000_000,
        output_audio_tokens=10_000_000,
        output_image_tokens=11_000_000,
    )
    cost = invoice(usage, _card(table.find("a", "m", "", _NOON)))
    expected = {
        "input": 1 * 1,
        "cache_read": 2 * 2,
        "cache_write_5m": 3 * 3,
        "cache_write_1h": 4 * 4,
        "input_audio": 5 * 5,
        "cache_audio_read": 6 * 6,
        "input_image": 7 * 7,
        "output": 8 * 8,
        "reasoning": 9 * 9,
        "output_audio": 10 * 10,
        "output_image": 11 * 11,
    }
    assert {line.kind: line.amount for line in cost.lines} == expected
    assert cost.amount == sum(expected.values())


def test_a_kind_left_out_costs_what_its_whole_costs(tmp_path: Path) -> None:
    table = _read(tmp_path, "prices: [{provider: a, model: m, input: 1, output: 2}]")
    usage = Usage(
        input_tokens=1000, cache_read_tokens=400, input_audio_tokens=100, output_tokens=10, reasoning_tokens=5
    )
    cost = invoice(usage, _card(table.find("a", "m", "", _NOON)))
    assert [(line.kind, line.quantity) for line in cost.lines] == [("input", 1000), ("output", 10)]


def test_output_without_a_rate_is_unknown(tmp_path: Path) -> None:
    table = _read(tmp_path, "prices: [{provider: a, model: embed, input: 1}]")
    card = _card(table.find("a", "embed", "", _NOON))
    assert invoice(Usage(input_tokens=1000, output_tokens=0), card).amount == Decimal("0.001")
    assert invoice(Usage(input_tokens=1000, output_tokens=1), card).amount is None


def test_long_context(tmp_path: Path) -> None:
    table = _read(
        tmp_path,
        "prices: [{provider: a, model: m, input: 1, output: 4, long_context: [{above: 1000, input: 2, output: 6}]}]",
    )
    card = _card(table.find("a", "m", "", _NOON))
    assert invoice(Usage(input_tokens=1000, output_tokens=100), card).amount == Decimal("0.0014")
    assert invoice(Usage(input_tokens=1001, output_tokens=100), card).amount == Decimal("0.002602")


def test_like_takes_another_providers_prices(tmp_path: Path) -> None:
    table = _read(tmp_path, "prices: [{provider: my-gateway, like: openai}]")
    assert table.find("my-gateway", "gpt-4o", "", _NOON) == Like(provider="openai")
    assert table.likes() == ["openai"]


def test_the_example_in_the_readme_is_right(tmp_path: Path) -> None:
    readme = Path(__file__).parents[3] / "plugins" / "pricing" / "README.md"
    example = readme.read_text().split("```yaml\n# prices.yaml", 1)[1].split("```", 1)[0]
    table = _read(tmp_path, "#" + example)
    assert _amount(table, "ollama", "llama3.2:3b") == Decimal("0.02")
    assert _amount(table, "openai", "gpt-4o-2024-08-06", "priority", datetime(2026, 7, 1, tzinfo=UTC)) == 4
    assert _amount(table, "openai", "gpt-4o-2024-08-06") is None
    assert _amount(table, "anthropic", "claude-sonnet-4-5-20250929") == 6
    assert _amount(table, "azure.ai.openai", "prod-chat") == Decimal("2.5")
    assert table.likes() == ["openai"]


def test_an_empty_file_is_an_empty_table(tmp_path: Path) -> None:
    assert _read(tmp_path, "").entries == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("prices: [{provider: a, model: m}]", "prices.0: give at least `input`"),
        ("prices: [{provider: a, inptu: 1}]", "prices.0.inptu: no such key; there are cache_audio_read,"),
        ("prices: [{provider: a, input: -1}]", "prices.0.input: Input should be greater than or equal to 0 (found -1)"),
        ("prices: [{provider: a, input: cheap}]", "prices.0.input: "),
        ("prices: [{provider: a, input: .nan}]", "prices.0.input: "),
        ("prices: [{input: 1}]", "prices.0.provider: Field required"),
        ("prices: [{provider: a, model: '/(/', input: 1}]", "prices.0.model: not an RE2 pattern"),
        ("prices: [{provider: a, input: 1, from: soon}]", "prices.0.from: "),
        ("prices: [{provider: a, input: 1, long_context: [{over: 3}]}]", "prices.0.long_context.0."),
        ("prices: [{provider: a, input: 1, like: openai}]", "prices.0: `like` takes another provider's prices"),
        ("price: []", "price: no such key; there are prices"),
        ("- {provider: a}", "expected keys and values at the top, found list"),
        ("prices: [", "not YAML"),
    ],
)
def test_what_is_wrong_is_one_line_naming_file_and_key(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        _read(tmp_path, text)
    message = str(caught.value)
    assert message.startswith(f"{tmp_path / 'prices.yaml'}: {said}"), message
    assert "\n" not in message
