"""The page on the gateway: its settings hold, and its script's options are all that there are."""

import re
from pathlib import Path

from midwatch.open_relay import refuse_open_relay
from midwatch_core.config import load_config
from midwatch_core.upstream_settings import DirectHosts

_ROOT = Path(__file__).resolve().parents[2]
_PAGE = (_ROOT / "docs" / "gateway.md").read_text()
_EXAMPLES = re.findall(r"```yaml\n(.*?)```", _PAGE, re.DOTALL)


def test_the_examples_are_settings_that_hold(tmp_path: Path) -> None:
    gateway, behind = (tmp_path / "gateway.yaml", tmp_path / "behind.yaml")
    for file, example in zip((gateway, behind), _EXAMPLES, strict=True):
        file.write_text(example)
    config = load_config(file=gateway, flags={}, environ={})
    refuse_open_relay(config.mode, config.listen, required=config.identity.required)
    assert {"build", "desks"} == set(config.tenants)
    upstream = load_config(file=behind, flags={}, environ={}).upstream
    assert "git.corp.example" in DirectHosts(upstream.direct)


def test_the_scripts_options_are_all_on_the_page() -> None:
    script = (_ROOT / "docker" / "gateway" / "redirect").read_text()
    options = set(re.findall(r"^#   (--[a-z]+)", script, re.MULTILINE))
    assert {option for option in options if f"`{option}" not in _PAGE} == set()


def test_the_walk_was_taken() -> None:
    assert len(re.findall(r"^(?:client|gateway)# ", _PAGE, re.MULTILINE)) > 15
