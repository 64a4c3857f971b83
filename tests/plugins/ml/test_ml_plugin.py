"""The plugin in its host: roles, readiness, reload, and what is said of a model that is not there."""

import asyncio
import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from midwatch_core import MODEL_METRICS, ConfigError, Host, Metrics, ModelError, Part, Role
from midwatch_ml import Ml
from midwatch_ml.calibration import histogram, read_shares, shares_for
from midwatch_ml.settings import DEFENDER, ModelSettings, Settings


class HandClock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        return datetime(2026, 11, 26, tzinfo=UTC)

    def monotonic(self) -> float:
        return self.seconds


def host_of(role: Role, home: Path, clock: HandClock | None = None, **settings: Any) -> Host:
    metrics = Metrics()
    metrics.declare(MODEL_METRICS)
    return Host(role=role, home=home, metrics=metrics, clock=clock or HandClock(), settings=settings)


def absent(**changes: Any) -> Settings:
    return Settings(models=(ModelSettings(id="absent", source="./nowhere"),), **changes)


async def test_readiness_waits_for_models_and_not_for_ever(tmp_path: Path) -> None:
    clock = HandClock()
    plugin, host = Ml(absent(ready_within_s=60)), host_of(Role.CONTROL, tmp_path, clock)
    plugin.startup(host)
    health = plugin.health()
    assert health is not None
    assert not health.ready
    clock.seconds = 61
    late = plugin.health()
    assert late is not None
    assert late.ready
    await plugin.shutdown(host)


async def test_a_model_that_cannot_be_had_is_told_of_and_the_house_is_ready(tmp_path: Path) -> None:
    plugin, host = Ml(absent()), host_of(Role.CONTROL, tmp_path)
    plugin.startup(host)
    asked = plugin.classify_text("hello", Part.USER)
    assert asked is not None
    with pytest.raises(ModelError):
        await asked
    health = plugin.health()
    assert health is not None
    assert health.ready
    facts: Any = health.facts
    assert facts["models"]["absent"]["state"] == "failed"
    assert facts["models"]["absent"]["problem"]
    assert facts["without"] == ["absent"]
    await plugin.shutdown(host)


async def test_a_worker_begins_with_the_first_text_and_a_face_never(tmp_path: Path) -> None:
    worker = Ml(absent())
    worker.startup(host_of(Role.WORKER, tmp_path))
    health: Any = worker.health()
    assert health.facts["models"]["absent"]["state"] == "absent"
    face = Ml(absent())
    face.startup(host_of(Role.FACE, tmp_path))
    assert face.health() is None


def test_parts_that_nobody_reads_are_answered_at_once() -> None:
    plugin = Ml(absent())

    async def ask() -> object:
        return plugin.classify_text("You are terse.", Part.SYSTEM)

    assert asyncio.run(ask()) is None


async def test_a_reload_takes_other_models_and_watches_their_directories(tmp_path: Path) -> None:
    plugin, host = Ml(absent()), host_of(Role.CONTROL, tmp_path)
    plugin.startup(host)
    assert plugin.watched(host) == [tmp_path / "nowhere"]
    other = Settings(models=(ModelSettings(id="other", source="/elsewhere"),))
    plugin.reload(host_of(Role.CONTROL, tmp_path, ml=other))
    health: Any = plugin.health()
    assert list(health.facts["models"]) == ["other"]
    before = plugin._panel
    plugin.reload(host_of(Role.CONTROL, tmp_path, ml=other))
    assert before is not None
    assert plugin._panel is not None
    assert plugin._panel.models == before.models
    assert plugin.watched(host) == [Path("/elsewhere")]
    await plugin.shutdown(host)


def test_a_calibration_that_is_none_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "mine.json").write_text('{"shares": [1, 2]}')
    mine = ModelSettings(id="mine", source="./m", calibration=Path("mine.json"))
    with pytest.raises(ConfigError, match=r"model mine: calibration: .*mine.json: expected `shares`: 10 numbers"):
        Ml(Settings(models=(mine,))).startup(host_of(Role.CONTROL, tmp_path))
    with pytest.raises(ConfigError, match="No such file"):
        shares_for(mine.model_copy(update={"calibration": Path("none.json")}), tmp_path)


def test_the_default_model_has_a_calibration_and_others_of_another_checksum_have_none(tmp_path: Path) -> None:
    shares = shares_for(DEFENDER, tmp_path)
    assert shares is not None
    assert sum(shares) == pytest.approx(1, abs=1e-4)
    assert shares_for(DEFENDER.model_copy(update={"checksum": None}), tmp_path) is None


def test_a_histogram_reads_back_as_a_calibration() -> None:
    document = histogram([0.0, 0.05, 0.95, 1.0], model="mine")
    assert read_shares(json.dumps(document).encode()) == (0.5, 0, 0, 0, 0, 0, 0, 0, 0, 0.5)
    with pytest.raises(ValueError, match="all shares are 0"):
        read_shares(json.dumps(histogram([])).encode())


def test_importing_the_plugin_imports_no_library_of_models() -> None:
    heavy = {"numpy", "onnxruntime", "tokenizers", "torch", "transformers", "huggingface_hub", "stackone_defender"}
    program = (
        f"import sys; sys.path[:] = {sys.path!r}; import midwatch_ml; print(*sorted({heavy!r} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
