"""`ml list`: each model of the settings, loaded to see whether it can be."""

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from midwatch_core import ModelNumbers, ModelState, PluginError
from midwatch_ml.asking.model import Model
from midwatch_ml.settings import Settings


def list_models(settings: Settings, home: Path, *, as_json: bool) -> int:
    """Print them; 1 where one that acts can't be had."""
    reports = asyncio.run(_reports(settings, home))
    for report in reports:
        print(json.dumps(report) if as_json else "\n".join(_told(report)))
    if not reports:
        print("no models: the section `ml` names none")
    return int(any(report["state"] != ModelState.READY and not report["shadow"] for report in reports))


async def _reports(settings: Settings, home: Path) -> list[dict[str, Any]]:
    reports = []
    for one in settings.models:
        model = Model(one, home, ModelNumbers(None))
        with suppress(PluginError):  # its report says it
            await model.process.ask("")
        reports.append({"id": one.id, "backend": one.backend, "source": one.source, **model.report()})
        await model.process.close()
    return reports


def _told(report: Mapping[str, Any]) -> list[str]:
    lines = [f"{report['id']}  {report['state']}{' (shadow)' if report['shadow'] else ''}"]
    lines.append(f"  {report['backend']}: {report['source']}")
    if report["card"] is not None:
        card = report["card"]
        lines.append(f"  {card['revision'] or 'no revision'}, labels {', '.join(card['labels'])}")
        lines.append(f"  sha256 {card['checksum']}")
        lines.append(
            f"  an injection {card['facts']['probes'][0]:.2f}, a harmless text {card['facts']['probes'][1]:.2f}"
        )
    if report["problem"]:
        lines.append(f"  {report['problem']}")
    return lines
