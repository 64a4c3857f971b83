"""A hub's model is fetched as our own requests go: through the company's proxy, and never by the environment's."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from midwatch_core import Config, Host, Json, Metrics, ModelState, Role, led_by
from midwatch_ml.asking.model import Model
from midwatch_ml.plugin import Ml
from midwatch_ml.settings import ModelSettings, Settings
from tests.beside import HUB, beside
from tests.plugins.company_proxy import CompanyProxy, company_proxy
from tests.plugins.grpc.certificate import self_signed

COMMIT = "0123456789abcdef0123456789abcdef01234567"
CONFIG = b'{"architectures": ["BertForSequenceClassification"]}'
PASSWORD = "p%40ss planted-77"
OPTIONS: dict[str, Json] = {"id": "large", "source": "owner/name", "revision": COMMIT}
FETCH = """
import json, sys
told = json.load(sys.stdin)
sys.path[:] = told["path"]
from midwatch_core import ModelError
from midwatch_ml.loading.source import folder_of
from midwatch_ml.loading.wish import Wish
try:
    print(folder_of(Wish.of(told["options"]))[0])
except ModelError as error:
    sys.exit(str(error))
"""


class Hub(BaseHTTPRequestHandler):
    """As much of one as a snapshot takes. Source: https://huggingface.co/docs/hub/api."""

    def do_HEAD(self) -> None:
        self._answer(send=False)

    def do_GET(self) -> None:
        self._answer(send=True)

    def _answer(self, *, send: bool) -> None:
        headers = {"x-repo-commit": COMMIT}
        if self.path.startswith(f"/api/models/owner/name/revision/{COMMIT}"):
            body = json.dumps({"id": "owner/name", "sha": COMMIT, "siblings": [{"rfilename": "config.json"}]}).encode()
            headers["content-type"] = "application/json"
        elif self.path.startswith("/api/models/owner/name/tree/"):
            body = json.dumps([{"type": "file", "path": "config.json", "oid": "0" * 40, "size": len(CONFIG)}]).encode()
            headers["content-type"] = "application/json"
        elif self.path == f"/owner/name/resolve/{COMMIT}/config.json":
            body = CONFIG
            headers["etag"] = f'"{hashlib.sha1(CONFIG, usedforsecurity=False).hexdigest()}"'
        else:
            self.send_error(404)
            return
        self.send_response(200)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        if send:
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing: pytest shows what failed."""


@contextlib.contextmanager
def hub(certificate: Path, key: Path) -> Iterator[int]:
    """The port of one, by TLS."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    with ThreadingHTTPServer(("127.0.0.1", 0), Hub) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    return self_signed(tmp_path, "hub.example")


@pytest.fixture
def proxy(certificate: tuple[Path, Path]) -> Iterator[CompanyProxy]:
    with hub(*certificate) as port, company_proxy({"hub.example:443": port}, f"office:{PASSWORD}") as made:
        yield made


def fetched(way: Mapping[str, Json], home: Path) -> subprocess.CompletedProcess[str]:
    """What a model's process does first, in one where the environment names a proxy that is none."""
    beside(*HUB, module="huggingface_hub")
    environ = {name: text for name, text in os.environ.items() if not name.lower().endswith("_proxy")}
    environ |= {"HF_ENDPOINT": "https://hub.example", "HF_HOME": str(home), "HF_HUB_DISABLE_XET": "1"}
    environ |= dict.fromkeys(("HTTPS_PROXY", "https_proxy", "ALL_PROXY"), "http://127.0.0.1:1")
    told = {"path": sys.path, "options": {**OPTIONS, "way": way}}
    return subprocess.run(
        [sys.executable, "-c", FETCH],
        input=json.dumps(told),
        env=environ,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def house(company: CompanyProxy, ca_file: Path, **upstream: Any) -> dict[str, object]:
    told = {"proxy": f"http://office:${{OFFICE_PASSWORD}}@127.0.0.1:{company.port}", **upstream}
    return dict(Config.model_validate({"upstream": told, "upstream_ca": ca_file}))


def test_a_model_comes_through_the_proxy(
    proxy: CompanyProxy, certificate: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OFFICE_PASSWORD", PASSWORD)
    done = fetched(led_by(house(proxy, certificate[0])), tmp_path / "hub")
    assert done.returncode == 0, done.stderr
    assert (Path(done.stdout.strip()) / "config.json").read_bytes() == CONFIG
    assert set(proxy.asked) == {"CONNECT hub.example:443 HTTP/1.1"}
    assert "planted" not in done.stdout + done.stderr


@pytest.mark.parametrize("upstream", [{"direct": ["hub.example"]}, {"proxy": None}])
def test_it_is_reached_directly_where_that_is_said(
    proxy: CompanyProxy,
    certificate: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    upstream: dict[str, Any],
) -> None:
    monkeypatch.setenv("OFFICE_PASSWORD", PASSWORD)
    done = fetched(led_by(house(proxy, certificate[0], **upstream)), tmp_path / "hub")
    assert "was not to be had of the hub" in done.stderr, "nobody knows the name here"
    assert "Connection refused" not in done.stderr, "as by the environment's proxy"
    assert "planted" not in done.stderr
    assert proxy.heads == []


async def test_the_plugin_tells_its_models_the_house_s_way_and_after_a_reload_the_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OFFICE_PASSWORD", PASSWORD)
    plugin = Ml(Settings(models=(ModelSettings(**OPTIONS, backend="transformers"),)))
    first = house(CompanyProxy(1), tmp_path / "ca.pem")
    host = Host(role=Role.WORKER, home=tmp_path, metrics=Metrics(), settings=first)
    plugin.startup(host)
    assert told_of(plugin) == led_by(first)
    model_of(plugin).process.state = ModelState.FAILED  # as after a try that went the wrong way
    second = house(CompanyProxy(2), tmp_path / "ca.pem")
    plugin.reload(replace(host, settings=second))
    assert told_of(plugin) == led_by(second) != led_by(first)
    await plugin.shutdown(host)


def model_of(plugin: Ml) -> Model:
    assert plugin._panel is not None
    return plugin._panel.models[0]


def told_of(plugin: Ml) -> Json:
    return model_of(plugin).process._options["way"]
