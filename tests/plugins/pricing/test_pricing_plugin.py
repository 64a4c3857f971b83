"""The plugin in its host: loading, configuration, watching and reloading."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

import midwatch_pricing
from midwatch_core import (
    Config,
    ConfigError,
    Cost,
    Endpoint,
    Exchange,
    Host,
    Identity,
    Metrics,
    Operation,
    ProviderSpec,
    Request,
    Response,
    Role,
    Usage,
)
from midwatch_core.hosting import Plugins
from midwatch_pricing import Pricing


def _host(home: Path, plugin: Pricing, role: Role = Role.CONTROL) -> Host:
    metrics = Metrics()
    metrics.declare(plugin.metrics())
    return Host(role=role, home=home, metrics=metrics)


def _exchange(model: str = "gpt-4o", provider: str = "openai") -> Exchange:
    return Exchange(
        id="x",
        trace_id="x",
        started_at=datetime(2026, 11, 1, tzinfo=UTC),
        identity=Identity(tenant="acme"),
        endpoint=Endpoint(provider=provider, dialect="openai.chat", host="llm.example.com", port=443, path="/v1"),
        request=Request(operation=Operation.CHAT, model=model),
        response=Response(usage=Usage(input_tokens=1000, output_tokens=0)),
        status=200,
    )


def _amount(cost: Cost) -> Decimal | None:
    return cost.amount


def test_it_loads_by_its_entry_point_and_prices_first_result(tmp_path: Path) -> None:
    plugins = Plugins()
    plugins.add("pricing", lambda: midwatch_pricing.Pricing)
    assert plugins.sections() == {"pricing": Pricing.Config}
    plugins.activate({"pricing": Pricing.Config()})
    outcome = plugins.call_first("price", exchange=_exchange())
    assert outcome is not None
    assert outcome.value.amount == Decimal("0.0025")


@pytest.mark.parametrize("operation", [Operation.EXECUTE_TOOL, Operation.LIST_TOOLS, Operation.MCP])
def test_a_call_to_a_tool_server_has_no_price_and_is_no_unpriced_call(tmp_path: Path, operation: Operation) -> None:
    plugin = Pricing()
    host = _host(tmp_path, plugin)
    plugin.startup(host)
    cost = plugin.price(replace(_exchange(), request=Request(operation=operation), response=Response()))
    assert (cost.amount, cost.reason) == (None, "no model was called")
    assert "midwatch_unpriced_total" not in {sample.name for sample in host.metrics.samples()}


def test_the_users_table_comes_first_and_is_read_again(tmp_path: Path) -> None:
    plugin = Pricing()
    host = _host(tmp_path, plugin)
    file = tmp_path / "prices.yaml"
    plugin.startup(host)
    assert plugin.watched(host) == [file]
    assert _amount(plugin.price(_exchange())) == Decimal("0.0025")

    file.write_text("prices: [{provider: openai, model: gpt-4o, input: 1}]")
    plugin.reload(host)
    cost = plugin.price(_exchange())
    assert (cost.amount, cost.source) == (Decimal("0.001"), "prices.yaml")

    file.unlink()
    plugin.reload(host)
    assert _amount(plugin.price(_exchange())) == Decimal("0.0025")


def test_a_bad_file_is_told_and_the_last_good_table_stays(tmp_path: Path) -> None:
    plugin = Pricing()
    host = _host(tmp_path, plugin)
    file = tmp_path / "prices.yaml"
    file.write_text("prices: [{provider: openai, model: gpt-4o, input: 1}]")
    plugin.startup(host)
    for bad in ("prices: [{provider: openai, input: free}]", "prices: {", "prices: [{provider: a, like: nobody}]"):
        file.write_text(bad)
        with pytest.raises(ConfigError, match=r"prices\.yaml"):
            plugin.reload(host)
        assert _amount(plugin.price(_exchange())) == Decimal("0.001")


def test_a_file_that_config_names_must_be_there(tmp_path: Path) -> None:
    plugin = Pricing(Pricing.Config(overrides=Path("own.yaml")))
    host = _host(tmp_path, plugin)
    assert plugin.watched(host) == [tmp_path / "own.yaml"]
    with pytest.raises(ConfigError, match=r"own\.yaml: No such file"):
        plugin.startup(host)
    (tmp_path / "own.yaml").write_text("prices: [{provider: openai, model: gpt-4o, input: 2}]")
    plugin.reload(host)
    assert _amount(plugin.price(_exchange())) == Decimal("0.002")


def test_a_gateway_at_the_prices_of_a_provider(tmp_path: Path) -> None:
    plugin = Pricing()
    host = _host(tmp_path, plugin)
    plugin.startup(host)
    assert plugin.price(_exchange(provider="my-gateway")).reason is not None
    (tmp_path / "prices.yaml").write_text("prices: [{provider: my-gateway, like: openai}]")
    plugin.reload(host)
    cost = plugin.price(_exchange(provider="my-gateway"))
    assert cost.amount == Decimal("0.0025")
    assert cost.source is not None
    assert cost.source.startswith("genai-prices")


def test_a_provider_of_the_configuration_priced_like_another(tmp_path: Path) -> None:
    plugin = Pricing()
    own = ProviderSpec(name="my-gateway", hosts=("llm.example.com",), priced_like="openai")
    host = replace(_host(tmp_path, plugin), settings={"providers": (own,)})
    plugin.startup(host)
    assert _amount(plugin.price(_exchange(provider="my-gateway"))) == Decimal("0.0025")
    wrong = replace(host, settings={"providers": (own.model_copy(update={"priced_like": "opneai"}),)})
    with pytest.raises(ConfigError, match="providers: my-gateway: priced_like: no published prices for 'opneai'"):
        plugin.reload(wrong)
    assert _amount(plugin.price(_exchange(provider="my-gateway"))) == Decimal("0.0025")


def test_calls_with_and_without_a_price_are_counted(tmp_path: Path) -> None:
    plugin = Pricing()
    host = _host(tmp_path, plugin)
    plugin.startup(host)
    plugin.price(_exchange())
    plugin.price(_exchange(model="gpt-4-unheard-of"))
    counted = {(sample.name, sample.labels): sample.values for sample in host.metrics.samples()}
    assert counted["midwatch_priced_total", ("openai",)] == (1,)
    assert counted["midwatch_unpriced_total", ("openai", "gpt-4-unheard-of")] == (1,)
    assert counted["midwatch_price_overrides", ()] == (0,)


def test_names_of_any_length_and_number_stay_bounded(tmp_path: Path) -> None:
    plugin = Pricing()
    plugin.startup(_host(tmp_path, plugin))
    assert plugin.price(_exchange(model="gpt-4" * 1000)).reason == "the model's name is longer than 256 characters"
    for number in range(5000):
        assert plugin.price(_exchange(model=f"model-{number}")).amount is None


def test_workers_do_not_load_prices(tmp_path: Path) -> None:
    import subprocess
    import sys

    code = "import sys, midwatch_pricing; sys.exit('genai_prices' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_worker_has_prices_where_a_rule_is_about_money(tmp_path: Path) -> None:
    (tmp_path / "prices.yaml").write_text("prices: [{provider: openai, model: gpt-4o, input: 7, output: 7}]")
    config = Config.model_validate({"budgets": [{"id": "b", "usd": 5}]})
    for settings, loads in ((dict(Config()), False), (dict(config), True)):
        plugin = Pricing()
        host = replace(_host(tmp_path, plugin, Role.WORKER), settings=settings)
        plugin.startup(host)
        plugin.reload(host)
        assert (plugin._pricer is not None) is loads
    assert _amount(plugin.price(_exchange())) == Decimal("0.007")
    assert host.metrics.samples() == []  # control counts what is priced, once


def test_a_call_that_was_told_without_a_host_is_priced_by_provider_and_model() -> None:
    told = _exchange()
    told = replace(told, endpoint=Endpoint(provider="openai", dialect="plain", host="", port=443, path="/"))
    assert _amount(Pricing().price(told)) == _amount(Pricing().price(_exchange()))


def test_no_host_makes_no_model_self_hosted() -> None:
    told = replace(_exchange(), endpoint=Endpoint(provider="somebody", dialect="plain", host="", port=443, path="/"))
    assert Pricing().price(told).reason == "no prices for provider 'somebody'; set pricing.overrides"
    ours = replace(told, endpoint=replace(told.endpoint, provider="ollama"))
    assert "self-hosted" in str(Pricing().price(ours).reason)
