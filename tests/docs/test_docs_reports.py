"""docs/reports.md and docs/siem.md: what they show can be used as it stands, and names what there is."""

import re
from pathlib import Path

import yaml

from midwatch_compliance import Compliance
from midwatch_compliance.frameworks.loading import shipped
from midwatch_compliance.frameworks.model import CheckName, Framework
from midwatch_compliance.siem.numbers import METRICS

_DOCS = Path(__file__).parents[2] / "docs"
REPORTS, SIEM = (_DOCS / "reports.md").read_text(), (_DOCS / "siem.md").read_text()


def blocks(text: str) -> list[str]:
    return re.findall(r"^```yaml\n(.*?)^```", text, re.S | re.M)


def test_the_framework_on_the_page_is_one() -> None:
    (block,) = blocks(REPORTS)
    framework = Framework.model_validate(yaml.safe_load(block))
    assert [bool(control.checks) for control in framework.controls] == [True, False]


def test_the_page_names_every_kind_and_every_check() -> None:
    kinds = REPORTS[: REPORTS.index("## What a report says")]
    assert set(re.findall(r"^\| `([a-z0-9-]+)` \|", kinds, re.M)) == {*shipped(), "usage"}
    table = REPORTS[REPORTS.index("| check | looks at |") :]
    assert {name.value for name in CheckName} <= set(re.findall(r"`([a-z_]+)", table))


def test_the_sinks_on_the_page_are_settings() -> None:
    (block,) = blocks(SIEM)
    config = Compliance.Config.model_validate(yaml.safe_load(block)["compliance"])
    assert [sink.kind for sink in config.siem] == ["file", "http", "syslog"]


def test_the_page_names_every_metric() -> None:
    assert all(spec.name in SIEM for spec in METRICS)
