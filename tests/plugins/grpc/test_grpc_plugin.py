"""The plugin where it is off, where it may not listen, and its settings."""

import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from midwatch_core import ConfigError, Role
from midwatch_core.hosting import Plugins
from midwatch_grpc.plugin import Grpc
from midwatch_grpc.settings import GrpcSettings
from tests.beside import ROOT

from .conftest import Desk, Keys


def test_installed_and_off_it_does_nothing(desk: Desk) -> None:
    plugin = Grpc()
    assert plugin.startup(desk.host()) is None
    assert plugin.shutdown(desk.host()) is None


@pytest.mark.parametrize("role", [Role.WORKER, Role.COMMAND, Role.POOL])
def test_only_control_listens(desk: Desk, role: Role) -> None:
    assert Grpc(GrpcSettings(listen="127.0.0.1:0")).startup(desk.host(role)) is None


def test_it_is_registered_with_its_section_and_its_hooks() -> None:
    plugins = Plugins()
    plugins.add("grpc", lambda: Grpc)
    plugins.activate({"grpc": GrpcSettings(max_requests=3)})
    (info,) = plugins.list()
    assert info.error is None
    assert set(info.hooks) == {"metrics", "startup", "shutdown"}
    assert plugins.sections() == {"grpc": GrpcSettings}


def test_the_plugin_alone_imports_no_grpc() -> None:
    import subprocess

    code = "import sys, midwatch_grpc; sys.exit('grpc' in sys.modules or 'google.protobuf' in sys.modules)"
    path = [str(ROOT / "plugins" / "grpc"), *sys.path]
    done = subprocess.run([sys.executable, "-c", f"import sys; sys.path[:0] = {path!r}; {code}"], check=False)
    assert done.returncode == 0


@pytest.mark.parametrize("listen", ["0.0.0.0:50051", "[::]:50051", "10.1.2.3:50051", "midwatch.example:50051"])
def test_where_others_may_come_a_key_must_be_asked_for(desk: Desk, listen: str) -> None:
    for access in (None, Keys({}, required=False)):
        desk.access = access
        with pytest.raises(ConfigError, match=r"grpc\.listen: .*access\.console: always"):
            Grpc(GrpcSettings(listen=listen)).startup(desk.host())


@pytest.mark.usefixtures("rpc")
async def test_where_keys_are_asked_for_it_may_listen_to_all(desk: Desk) -> None:
    desk.access = Keys({})
    plugin = Grpc(GrpcSettings(listen="0.0.0.0:0"))
    starting = plugin.startup(desk.host())
    assert starting is not None
    await starting
    stopping = plugin.shutdown(desk.host())
    assert stopping is not None
    await stopping


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({"listen": "50051"}, id="no-host"),
        pytest.param({"listen": "127.0.0.1:70000"}, id="no-port"),
        pytest.param({"certificate": Path("c.pem")}, id="no-key"),
        pytest.param({"private_key": Path("k.pem")}, id="no-certificate"),
        pytest.param({"max_message_bytes": 0}, id="no-bytes"),
        pytest.param({"max_requests": 0}, id="no-requests"),
        pytest.param({"port": 1}, id="unknown"),
    ],
)
def test_settings_that_can_t_be_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        GrpcSettings(**settings)


def test_its_page_has_every_setting() -> None:
    page = (ROOT / "docs" / "grpc.md").read_text()
    for name, field in GrpcSettings.model_fields.items():
        assert f"`grpc.{name}`" in page
        assert field.description
        assert field.description in page
