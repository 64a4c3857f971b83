"""A worker's process has the addons it needs, and they are mitmproxy's own."""

import json
import subprocess
import sys

_TOLD = """
import json, sys
from midwatch.proxy.few_addons import few_addons
{before}
few_addons()
import midwatch.proxy.serving
from midwatch.lean.master import needed_addons
kinds = [type(addon) for addon in needed_addons()]
print(json.dumps({{
    "flask": "flask" in sys.modules,
    "whole": hasattr(sys.modules["mitmproxy.addons"], "default_addons"),
    "addons": sorted(kind.__module__ + "." + kind.__qualname__ for kind in kinds),
    "files": sorted(sys.modules[kind.__module__].__file__ for kind in kinds),
}}))
"""


def _told(before: str) -> dict[str, object]:
    program = _TOLD.format(before=before)
    found: dict[str, object] = json.loads(subprocess.check_output([sys.executable, "-c", program], timeout=120))
    return found


def test_a_worker_has_the_same_addons_without_flask_and_the_rest() -> None:
    stock, few = _told("import mitmproxy.addons"), _told("")
    assert (stock["flask"], stock["whole"]) == (True, True)
    assert (few["flask"], few["whole"]) == (False, False)
    assert few["addons"] == stock["addons"]
    assert few["files"] == stock["files"]
