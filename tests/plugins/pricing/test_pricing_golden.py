"""Responses as providers send them, through the real decoders, against invoices written out by hand."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from midwatch_core import Cost, Endpoint, Exchange, Identity, Response, Target
from midwatch_core.wire.decoding import decode_request, decode_response
from midwatch_core.wire.dialect import Dialect
from midwatch_core.wire.dialects import BUILTIN
from midwatch_core.wire.streaming import ResponseDecoder
from midwatch_pricing.overrides import Overrides, read_overrides
from midwatch_pricing.price_list import PriceList, load_price_list
from midwatch_pricing.pricer import Pricer

_DIALECTS = {dialect.id: dialect for dialect in BUILTIN}
_GOLDEN = Path(__file__).parent / "golden"


class _ExactNumbers(yaml.SafeLoader):
    """YAML whose decimal numbers stay exact."""


def _exact(_loader: yaml.SafeLoader, node: yaml.ScalarNode) -> Decimal:
    return Decimal(node.value)


_ExactNumbers.add_constructor("tag:yaml.org,2002:float", _exact)


def _cases() -> list[Any]:
    cases = []
    for file in sorted(_GOLDEN.glob("*.yaml")):
        document = yaml.load(file.read_text(), Loader=_ExactNumbers)
        shared = {key: value for key, value in document.items() if key != "cases"}
        cases += [pytest.param(shared | case, id=f"{file.stem}: {case['name']}") for case in document["cases"]]
    return cases


@pytest.fixture(scope="module")
def prices() -> PriceList:
    return load_price_list()


@pytest.mark.parametrize("case", _cases())
def test_invoice(case: dict[str, Any], prices: PriceList, tmp_path: Path) -> None:
    cost = Pricer(prices, _overrides(case, tmp_path)).price(_exchange(case))
    assert cost.basis == ("api_equivalent" if case.get("subscription") else "metered")
    if "reason" in case:
        assert (cost.amount, cost.reason) == (None, case["reason"])
        return
    assert cost.reason is None
    assert _lines(cost) == [_line(*line) for line in case["invoice"]]
    assert cost.amount == Decimal(case["total"]) == sum(line.amount for line in cost.lines)


@pytest.mark.parametrize("case", [case for case in _cases() if "invoice" in case.values[0]])
def test_invoices_written_by_hand_add_up(case: dict[str, Any]) -> None:
    lines = [_line(*line) for line in case["invoice"]]
    for _, quantity, rate, amount, per in lines:
        assert quantity * rate / per == amount
    assert sum(line[3] for line in lines) == Decimal(case["total"])


def _line(kind: str, quantity: int, rate: Any, amount: Any, per: int = 1_000_000) -> tuple[Any, ...]:
    return kind, quantity, Decimal(rate), Decimal(amount), per


def _lines(cost: Cost) -> list[tuple[Any, ...]]:
    return [(line.kind, line.quantity, line.rate, line.amount, line.per) for line in cost.lines]


def _exchange(case: dict[str, Any]) -> Exchange:
    dialect = _DIALECTS[case["dialect"]]
    at = case["at"]
    target = Target(host=case["host"], path=case["path"], captures=case.get("captures", {}))
    request = decode_request(dialect, json.dumps(case["request"]).encode(), target).request
    status = case.get("status", 200)
    response = _streamed(dialect, case) if "stream" in case else _whole(dialect, case["response"], status)
    return Exchange(
        id="x",
        trace_id="x",
        started_at=at if isinstance(at, datetime) and at.tzinfo else at.replace(tzinfo=UTC),
        identity=Identity(tenant="acme"),
        endpoint=Endpoint(
            provider=case["provider"],
            dialect=dialect.id,
            host=case["host"],
            port=443,
            path=case["path"],
            subscription=case.get("subscription", False),
        ),
        request=request,
        response=response,
        streamed="stream" in case,
        status=status,
    )


def _whole(dialect: Dialect, document: Any, status: int) -> Response:
    return decode_response(dialect, json.dumps(document, default=float).encode(), status).response


def _streamed(dialect: Dialect, case: dict[str, Any]) -> Response:
    content_type = case.get("content_type", "text/event-stream")
    decoder = ResponseDecoder(dialect, status=200, content_type=content_type, content_encoding="", asked_to_stream=True)
    decoder.feed(case["stream"].encode())
    return decoder.finish().response


def _overrides(case: dict[str, Any], folder: Path) -> Overrides:
    if "overrides" not in case:
        return Overrides()
    file = folder / "prices.yaml"
    file.write_text(yaml.safe_dump(json.loads(json.dumps(case["overrides"], default=str))))
    return read_overrides(file)
