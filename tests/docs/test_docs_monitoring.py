"""The page on monitoring: its example is a configuration that holds, and what it names is there."""

import re
from pathlib import Path

from midwatch.control.model_labels import ModelLabels
from midwatch.control.numbers import METRICS
from midwatch_core.config import load_config
from midwatch_core.inference.numbers import METRICS as MODEL_METRICS
from midwatch_core.testing.factories import make_exchange
from midwatch_web.settings import WebSettings

_ROOT = Path(__file__).resolve().parents[2]
_PAGE = (_ROOT / "docs" / "monitoring.md").read_text()


def test_the_example_names_a_token(tmp_path: Path) -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", _PAGE, re.DOTALL)
    file = tmp_path / "config.yaml"
    file.write_text(example)
    config = load_config(file=file, flags={}, sections={"web": WebSettings}, environ={})
    assert dict(config)["web"].scrape_token == "${file:/run/secrets/midwatch_scrape_token}"
    assert "/run/secrets/midwatch_scrape_token" in (_ROOT / "docker" / "prometheus" / "prometheus.yml").read_text()


def test_metrics_and_files_on_the_page_are_there() -> None:
    known = {spec.name for spec in (*METRICS, *MODEL_METRICS)}
    named = set(re.findall(r"`(midwatch_\w+)`", _PAGE))
    assert named
    assert named <= known
    files = re.findall(r"docker/[\w./]+\w", _PAGE)
    assert [file for file in files if not (_ROOT / file).exists()] == []


def test_as_many_models_have_names_as_the_page_says() -> None:
    labels = ModelLabels()
    named = {labels.label(make_exchange(model=f"m{number}")) for number in range(300)} - {"other"}
    assert f"{len(named)} of them at most" in _PAGE
