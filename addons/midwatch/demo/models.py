"""The demo's part of models: they are waited for where they are installed, and what they found is shown.

Without the extra `ml` nothing of this happens, and the demo is what it is without it.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from midwatch.cli.explained import finding_lines
from midwatch.home import Home
from midwatch.lines import ControlAbsentError, LineClient
from midwatch_core.hosting import Plugins

_PLUGIN = "ml"
# A little longer than a plugin with models may keep the house waiting.
_READY_S = 75.0
_LOOK_S = 0.1


def has_models(plugins: Plugins) -> bool:
    """Whether models that know prompt injection are installed."""
    return _PLUGIN in plugins.implementers("classify_text")


async def models_loaded(home: Home) -> None:
    """Wait until the house is ready, and its models with it. After a while calls go on without them."""
    client = LineClient(home.control_socket)
    with suppress(TimeoutError):
        async with asyncio.timeout(_READY_S):
            while True:
                with suppress(ControlAbsentError):  # it is starting
                    if (await client.ask({"op": "status"}))["ready"]:
                        return
                await asyncio.sleep(_LOOK_S)


async def veiled_findings(home: Home, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What was found in the text that tries to give orders in words that no rule looks for; empty for nothing.

    `rows` are those of the calls that bore it.
    """
    client = LineClient(home.control_socket)
    kept = [await client.ask({"op": "exchange", "id": row["id"]}) for row in rows]
    return [item for answer in kept for item in answer["exchange"]["findings"]]


def show_findings(findings: Sequence[Mapping[str, Any]]) -> None:
    """Print them, with who said what."""
    print("found by models, in a tool's result where rules find nothing:")
    for item in findings:
        print("\n".join(finding_lines(item)))
