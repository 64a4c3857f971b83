"""`ml evaluate`: a model on labelled sets, asked as traffic asks it."""

import asyncio
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from midwatch_core import ConfigError, ModelNumbers
from midwatch_ml.asking.model import Model
from midwatch_ml.calibration import histogram
from midwatch_ml.commanding.measures import measured, quantile
from midwatch_ml.commanding.sets import labelled
from midwatch_ml.settings import ModelSettings, Settings

_COLUMNS = ("set", "attacks", "benign", "precision", "recall", "fpr", "auc", "recall_at_1_fpr", "p50_ms", "p95_ms")


def evaluate(
    settings: Settings, home: Path, named: str, sets: Sequence[Path], *, histogram_to: Path | None, as_json: bool
) -> int:
    """Print a line a set. Raises ConfigError, PluginError."""
    wanted = _named(settings, named)
    rows, benign = asyncio.run(_evaluated(wanted, home, sets))
    if histogram_to is not None:
        _write(histogram_to, histogram(benign, model=wanted.id, sets=[path.stem for path in sets]))
    if as_json:
        for row in rows:
            print(json.dumps(row))
        return 0
    print("  ".join(f"{name:>{_width(name)}}" for name in _COLUMNS))
    for row in rows:
        print("  ".join(f"{_shown(row[name]):>{_width(name)}}" for name in _COLUMNS))
    return 0


def _named(settings: Settings, named: str) -> ModelSettings:
    """A model of the settings, or a directory at the defaults."""
    for one in settings.models:
        if one.id == named:
            return one
    folder = Path(named).expanduser().absolute()
    if not folder.is_dir():
        known = ", ".join(one.id for one in settings.models)
        raise ConfigError(f"ml evaluate {named}: no such directory, and no model of the settings; there are {known}")
    has_onnx = any(folder.glob("*.onnx")) or any(folder.glob("onnx/*.onnx"))
    return ModelSettings(id="evaluated", source=str(folder), backend="onnx" if has_onnx else "transformers")


async def _evaluated(
    wanted: ModelSettings, home: Path, sets: Sequence[Path]
) -> tuple[list[dict[str, Any]], list[float]]:
    model = Model(wanted, home, ModelNumbers(None))
    rows: list[dict[str, Any]] = []
    benign: list[float] = []
    try:
        await model.process.ask("")
        for path in sets:
            print(f"{path.stem} …", file=sys.stderr)
            scores, times = await _scores(model, path)
            rows.append(_row(path, scores, times, wanted.threshold))
            benign += (score for label, score in scores if not label)
    finally:
        await model.process.close()
    return rows, benign


async def _scores(model: Model, path: Path) -> tuple[list[tuple[int, float]], list[float]]:
    """Labels with scores, and how long each text took, one after another; a text without a token has the score 0."""
    scores: list[tuple[int, float]] = []
    times: list[float] = []
    for label, text in labelled(path):
        began_s = time.perf_counter()
        found = await model.score(text)
        times.append(time.perf_counter() - began_s)
        scores.append((label, found.injection if found is not None else 0.0))
    return scores, times


def _row(path: Path, scores: Sequence[tuple[int, float]], times: Sequence[float], threshold: float) -> dict[str, Any]:
    latency = {f"p{share}_ms": quantile(times, share / 100) for share in (50, 95)}
    in_ms = {name: round(value * 1000, 1) if value is not None else None for name, value in latency.items()}
    return {"set": path.stem, "threshold": threshold, **asdict(measured(scores, threshold)), **in_ms}


def _write(path: Path, document: dict[str, Any]) -> None:
    try:
        path.write_text(json.dumps(document, indent=1) + "\n")
    except OSError as error:
        raise ConfigError(f"--histogram {path}: {error.strerror}") from error


def _width(name: str) -> int:
    return 40 if name == "set" else max(9, len(name))


def _shown(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:.3f}" if isinstance(value, float) else str(value)
