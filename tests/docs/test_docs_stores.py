"""The page on stores: its examples are configurations that hold, and its table of profiles is what they are."""

import re
from pathlib import Path

import pytest

from midwatch_core.config import load_config
from midwatch_core.storage import storage_profile

_PAGE = Path(__file__).parents[2] / "docs" / "stores.md"
_EXAMPLES = re.findall(r"```yaml\n(.*?)```", _PAGE.read_text(), re.DOTALL)


@pytest.mark.parametrize("example", _EXAMPLES)
def test_each_example_is_a_configuration(example: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = tmp_path / "postgres"
    secret.touch(mode=0o600)
    secret.write_text("p@ss\n")
    for name in ("CLICKHOUSE_PASSWORD", "VALKEY_PASSWORD"):
        monkeypatch.setenv(name, "p@ss")
    file = tmp_path / "config.yaml"
    file.write_text(example.replace("/run/secrets/postgres", str(secret)))
    profile = storage_profile(load_config(file=file, flags={}, environ={}), tmp_path)
    assert profile.migrates is ("production" not in example)
    assert profile.cache.startswith(("memory://", "valkeys://:p%40ss@", "redis://"))


def test_there_are_examples() -> None:
    assert len(_EXAMPLES) == 3
