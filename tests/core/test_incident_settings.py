"""The settings of incidents: what a bare `off` is, and what is none."""

from pathlib import Path

import pytest

from midwatch_core.config import load_config
from midwatch_core.errors import ConfigError


def test_findings_are_off_where_yaml_says_off(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("incidents: {findings: off, quiet_s: 60}\n")
    incidents = load_config(file=file, flags={}, environ={}).incidents
    assert (incidents.findings, incidents.quiet_s, incidents.keep_days) == ("off", 60, 90)


@pytest.mark.parametrize("key", ["findings: true", "findings: grave", "quiet_s: 0", "keep_days: -1"])
def test_what_is_no_setting_is_refused_by_name(tmp_path: Path, key: str) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(f"incidents: {{{key}}}\n")
    with pytest.raises(ConfigError, match=rf"incidents\.{key.partition(':')[0]}"):
        load_config(file=file, flags={}, environ={})
