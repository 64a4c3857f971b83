"""The plugin: found, named, light to import."""

import subprocess
import sys

from midwatch_core.hosting import Plugins


def test_it_is_found_and_implements_its_hook() -> None:
    plugins = Plugins()
    plugins.discover(allow=["web"])
    plugins.activate({})
    (info,) = plugins.list()
    assert (info.name, info.hooks, info.error) == ("web", ("mounts",), None)


def test_importing_it_brings_nothing_heavy() -> None:
    heavy = ("fastapi", "starlette", "jinja2", "prometheus_client", "uvicorn")
    code = f"import sys, midwatch_web; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
