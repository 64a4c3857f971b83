"""The tutorial does what the page says: its commands are run, in order, and print what it says they print."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from types import ModuleType

from midwatch_core import Endpoint, Exchange, Identity, Operation, Request, Timing
from midwatch_core.hosting import Plugins
from tests.docs.walking import walk

_ROOT = Path(__file__).resolve().parents[2]
_PAGE = _ROOT / "docs" / "plugins.md"


def _module() -> ModuleType:
    (code,) = re.findall(r"^```python\n(.*?)^```", _PAGE.read_text(), re.MULTILINE | re.DOTALL)
    module = ModuleType("midwatch_own_hardware")
    exec(compile(code, str(_PAGE), "exec"), module.__dict__)
    return module


def _exchange(provider: str, duration_ms: float) -> Exchange:
    return Exchange(
        id="0",
        trace_id="0",
        started_at=datetime(2026, 1, 1, tzinfo=UTC),
        identity=Identity(),
        endpoint=Endpoint(provider=provider, dialect="openai.chat", host="gpu", port=8000, path="/v1/chat/completions"),
        request=Request(operation=Operation.CHAT),
        timing=Timing(duration_ms=duration_ms),
    )


def test_the_tutorials_plugin_loads_takes_its_section_and_prices() -> None:
    plugins = Plugins()
    plugins.add("own-hardware", lambda: _module().OwnHardware)
    (section,) = plugins.sections().values()
    plugins.activate({"own_hardware": section(usd_per_hour=Decimal(36))})

    outcome = plugins.call_first("price", exchange=_exchange("vllm", 500))

    assert [item.error for item in plugins.list()] == [None]
    assert outcome is not None
    assert outcome.value.amount == Decimal("0.005")
    assert plugins.call_first("price", exchange=_exchange("openai", 500)) is None


def test_the_tutorials_commands_do_what_it_says(tmp_path: Path) -> None:
    walk(_PAGE, tmp_path)
