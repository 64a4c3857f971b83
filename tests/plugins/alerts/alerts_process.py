"""A process with the plugin in it: `HOME SETTINGS [NUMBER…]` tells of these incidents, and sends until it is killed."""

import asyncio
import json
import sys
from datetime import UTC, datetime
from pathlib import Path

from midwatch_alerts import Alerts
from midwatch_alerts.settings import Settings
from midwatch_core import Host, Incident, IncidentChange, Metrics, Role, Severity


async def main(home: Path, settings: Settings, numbers: list[str]) -> None:
    """Say `told` when all is written down, and go on."""
    plugin, metrics = Alerts(settings), Metrics()
    metrics.declare(plugin.metrics())
    started = plugin.startup(Host(role=Role.CONTROL, home=home, metrics=metrics))
    assert started is not None
    await started
    at = datetime.now(UTC)
    for number in numbers:
        incident = Incident(
            id=f"i-{number}",
            fingerprint=f"finding:{number}",
            category="finding",
            severity=Severity.HIGH,
            title=f"Trouble {number}",
            began_at=at,
            last_at=at,
        )
        written = plugin.notify(incident, IncidentChange.BEGAN)
        assert written is not None
        await written
    print("told", flush=True)
    await asyncio.sleep(600)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), Settings.model_validate(json.loads(sys.argv[2])), sys.argv[3:]))
