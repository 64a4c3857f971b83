"""A stranger's store, as a wheel beside midwatch-core and nothing else of ours, passes the shipped suite."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PROJECT = Path(__file__).with_name("acme_store")


def run(*words: str | Path, cwd: Path = ROOT) -> str:
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("MIDWATCH_", "PYTEST_"))}
    environ.pop("VIRTUAL_ENV", None)
    done = subprocess.run(list(map(str, words)), cwd=cwd, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def python(tmp_path: Path) -> Path:
    """The interpreter of a new environment with two wheels: core's, with what its suites need, and the store's."""
    if shutil.which("uv") is None:
        pytest.skip("uv is not on the PATH: install it to build the wheels")
    wheels, environment = tmp_path / "wheels", tmp_path / "venv"
    run("uv", "build", "--quiet", "--offline", "--wheel", "--out-dir", wheels, ROOT / "core")
    run("uv", "build", "--quiet", "--offline", "--wheel", "--out-dir", wheels, PROJECT)
    run("uv", "venv", "--quiet", "--offline", environment)
    core, store = next(wheels.glob("midwatch_core-*.whl")), next(wheels.glob("acme_store-*.whl"))
    made = environment / "bin" / "python"
    run("uv", "pip", "install", "--quiet", "--python", made, f"{core}[testing]", store, "hypothesis>=6.140")
    return made


def test_a_third_partys_wheel_opens_by_its_url_and_passes_the_suite(python: Path, tmp_path: Path) -> None:
    own = tmp_path / "tests"
    shutil.copytree(PROJECT / "tests", own)
    options = (
        "-o",
        "asyncio_mode=auto",
        "-o",
        "asyncio_default_fixture_loop_scope=function",
        "-p",
        "no:cacheprovider",
        "-q",
        "--rootdir",
        own,
    )
    said = run(python, "-m", "pytest", *options, own, cwd=tmp_path)
    passed = re.search(r"(\d+) passed", said)
    assert passed is not None
    assert int(passed[1]) > 100
    assert "skipped" not in said
    listed = run("uv", "pip", "list", "--python", python, "--format", "freeze")
    assert [line.split("==")[0] for line in listed.splitlines() if "midwatch" in line] == ["midwatch-core"]
