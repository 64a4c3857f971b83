"""Run where midwatch-core and one detector alone are installed: the engine works without a proxy."""

import importlib.util

from midwatch_core import Engine

assert importlib.util.find_spec("mitmproxy") is None, "this is to be run without the proxy"
scan = Engine.installed().scan("the key is AKIAIOSFODNN7QRSTUVW and nothing else")
assert [finding.category for finding in scan.findings] == ["secret"], scan
print("midwatch-core and midwatch-secrets alone:", scan.findings[0].message)
