"""Keeps a worker from importing all of mitmproxy's addons."""

import importlib.machinery
import importlib.util
import sys
from pathlib import Path

import mitmproxy

_PACKAGE = "mitmproxy.addons"


def few_addons() -> None:
    """Let `mitmproxy.addons` be a package that imports nothing by itself; no change where it has been imported.

    Stock, any of its modules brings all thirty, and Flask and Jinja for the page from which clients take the CA: 9 MB
    and a fifth of what a worker imports, never used. Its modules stay mitmproxy's; what is gone are the names in the
    package itself, such as `default_addons`. So this is for a process of which all code is known.
    """
    if _PACKAGE in sys.modules:
        return
    spec = importlib.machinery.ModuleSpec(_PACKAGE, None, is_package=True)
    spec.submodule_search_locations = [str(Path(mitmproxy.__file__).with_name("addons"))]
    sys.modules[_PACKAGE] = importlib.util.module_from_spec(spec)
