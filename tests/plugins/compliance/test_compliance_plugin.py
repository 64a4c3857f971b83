"""The plugin in its host: settings, kinds of the home, and calls that reach a sink."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

import midwatch_compliance
from midwatch_compliance import Compliance
from midwatch_compliance.siem.settings import SinkSettings
from midwatch_core import ConfigError, Host, Role
from midwatch_core.hosting import Plugins
from midwatch_core.testing import make_exchange
from tests.plugins.compliance.conftest import Planted, make_finding
from tests.plugins.compliance.test_compliance_frameworks import OWN


def test_it_loads_with_its_section(planted: Planted) -> None:
    plugins = Plugins()
    plugins.add("compliance", lambda: midwatch_compliance.Compliance)
    assert plugins.sections() == {"compliance": Compliance.Config}
    plugins.activate({"compliance": Compliance.Config()})
    kinds = plugins.gather("reports", host=planted.host)
    assert [kind.name for kind in kinds] == ["usage", "eu-ai-act", "gdpr", "hipaa", "owasp-llm-2025", "soc2"]


def test_a_homes_framework_is_a_kind_and_may_stand_in_for_a_shipped_one(planted: Planted) -> None:
    folder = planted.host.home / "frameworks"
    folder.mkdir()
    (folder / "acme.yaml").write_text(yaml.safe_dump(OWN))
    (folder / "ours.yaml").write_text(yaml.safe_dump({**OWN, "id": "gdpr", "title": "GDPR as we read it"}))
    titles = {kind.name: kind.title for kind in Compliance().reports(planted.host)}
    assert titles["acme"] == "Acme's rules"
    assert titles["gdpr"] == "GDPR as we read it"


def test_a_framework_that_is_wrong_stops_the_start(planted: Planted) -> None:
    (planted.host.home / "frameworks").mkdir()
    (planted.host.home / "frameworks" / "bad.yaml").write_text("id: 1")
    with pytest.raises(ConfigError, match=r"bad\.yaml"):
        Compliance().startup(planted.host)
    Compliance().startup(replace(planted.host, role=Role.WORKER))


def siem_host(planted: Planted, plugin: Compliance) -> Host:
    planted.host.metrics.declare(plugin.metrics())
    return planted.host


async def test_stored_calls_reach_the_sink_that_is_configured(planted: Planted, tmp_path: Path) -> None:
    plugin = Compliance(Compliance.Config(siem=(SinkSettings(kind="file", path=Path("out.jsonl")),)))
    host = siem_host(planted, plugin)
    plugin.startup(host)
    plugin.stored([make_exchange(findings=(make_finding(1),)), make_exchange()])
    out = tmp_path / "out.jsonl"
    async with asyncio.timeout(60):
        while not out.exists() or not out.read_bytes().endswith(b"\n"):
            await asyncio.sleep(0.005)
    await plugin.shutdown(host)
    (line,) = out.read_text().splitlines()
    assert json.loads(line)["finding_info"]["uid"] == "f-1"
    assert (tmp_path / "siem").stat().st_mode & 0o777 == 0o700


async def test_without_a_sink_nothing_is_written(planted: Planted, tmp_path: Path) -> None:
    plugin = Compliance()
    plugin.startup(siem_host(planted, plugin))
    plugin.stored([make_exchange(findings=(make_finding(1),))])
    await plugin.shutdown(planted.host)
    assert not (tmp_path / "siem").exists()


async def test_a_home_that_can_not_be_written_stops_the_start(planted: Planted, tmp_path: Path) -> None:
    (tmp_path / "siem").write_text("a file where a folder should be")
    plugin = Compliance(Compliance.Config(siem=(SinkSettings(kind="file", path=Path("out.jsonl")),)))
    with pytest.raises(ConfigError, match=r"compliance\.siem"):
        plugin.startup(siem_host(planted, plugin))
