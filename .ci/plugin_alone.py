"""Checks a plugin installed by itself: core comes with it, the proxy does not, and it does its work."""

from datetime import UTC, datetime
from importlib.metadata import distributions
from pathlib import Path

from midwatch_core import Endpoint, Exchange, Host, Identity, Metrics, Operation, Request, Response, Role, Usage
from midwatch_core.hosting import Plugins

installed = {item.metadata["Name"].lower() for item in distributions()}
assert not installed & {"mitmproxy", "midwatch", "fastapi", "sqlalchemy"}, installed

plugins = Plugins()
plugins.discover()
assert [item.error for item in plugins.list()] == [None], plugins.list()
plugins.activate({name: section() for name, section in plugins.sections().items()})
plugins.call_all("startup", host=Host(role=Role.CONTROL, home=Path("/nonexistent"), metrics=Metrics()))
exchange = Exchange(
    id="0",
    trace_id="0",
    started_at=datetime.now(UTC),
    identity=Identity(),
    endpoint=Endpoint(
        provider="openai", dialect="openai.chat", host="api.openai.com", port=443, path="/v1/chat/completions"
    ),
    request=Request(operation=Operation.CHAT, model="gpt-4o-mini"),
    response=Response(model="gpt-4o-mini-2024-07-18", usage=Usage(input_tokens=1000, output_tokens=100)),
    status=200,
)
outcome = plugins.call_first("price", exchange=exchange)
assert outcome is not None
assert outcome.value.amount is not None, outcome
print(f"midwatch-pricing alone: {len(installed)} distributions, one call priced at ${outcome.value.amount}")
