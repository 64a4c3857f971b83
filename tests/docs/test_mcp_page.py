"""The page about MCP: its example is a configuration under which a server of one's own is read."""

import re
from pathlib import Path

import yaml

import midwatch_rules
from midwatch_core import CatalogueSpec, ResourceKind
from midwatch_core.config import load_config
from midwatch_core.wire.catalogue import Catalogue
from midwatch_core.wire.dialects import BUILTIN

_PAGE = (Path(__file__).parents[2] / "docs" / "mcp.md").read_text()


def test_the_example_makes_a_server_of_one_s_own_known(tmp_path: Path) -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", _PAGE, re.DOTALL)
    file = tmp_path / "config.yaml"
    file.write_text(example)
    own = CatalogueSpec(providers=load_config(file=file, flags={}, environ={}).providers)
    shipped = [item.path for item in midwatch_rules.resources() if item.kind is ResourceKind.CATALOGUE]
    specs = [own, *(CatalogueSpec.model_validate(yaml.safe_load(path.read_text())) for path in shipped)]
    catalogue = Catalogue(specs, dialects=[dialect.id for dialect in BUILTIN])
    match = catalogue.match("tools.acme.example", 443, "POST", "/mcp", {"content-type": "application/json"})
    assert match is not None
    assert (match.provider, match.dialect) == ("our-tools", "mcp")
    assert match.fits({"jsonrpc": "2.0", "id": 1, "method": "tools/list"})
