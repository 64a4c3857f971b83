"""Apprise: the library itself, sending to a real receiver; it stands beside the project's environment."""

import asyncio
import importlib
import importlib.util
import logging
import signal
import socket
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from midwatch_alerts.channels import by_apprise
from midwatch_alerts.channels.channel import Channel, ChannelError
from midwatch_alerts.message import MessageKind
from midwatch_core import ConfigError
from tests.beside import APPRISE, beside
from tests.plugins.alerts.channels.receiver import Receiver
from tests.plugins.alerts.channels.told_messages import BEGAN, COST, SUBJECT, hostile, of_kind

Opened = Callable[..., Channel]


@pytest.fixture(scope="module")
def _apprise() -> None:
    beside(*APPRISE, module="apprise")


@pytest.mark.usefixtures("_apprise")
async def test_apprise_sends_title_text_and_kind(
    receiver: Receiver, opened: Opened, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    receiver.answer(200)
    channel = opened(
        {"WHERE": f"json://me:hunter2@127.0.0.1:{receiver.port}/secret-path"}, kind="apprise", secret_url="${WHERE}"
    )
    await channel.send(BEGAN)
    await channel.send(of_kind(MessageKind.RESOLVED))
    await channel.send(hostile())
    await channel.close()
    began, resolved, bad = (taken.document() for taken in receiver.taken)
    for text in (bad["title"], bad["message"].replace(COST.page, "").replace(COST.acknowledge, "")):
        assert not set("@<>`") & set(text)  # services that apprise knows ping whom a text names
        assert "https://" not in text
    assert (receiver.taken[0].target, began["title"], began["type"]) == ("/secret-path", SUBJECT, "failure")
    assert f"Acknowledge it: {COST.acknowledge}" in began["message"]
    assert resolved["type"] == "success"
    assert "hunter2" not in caplog.text
    assert "secret-path" not in caplog.text


@pytest.mark.usefixtures("_apprise")
async def test_what_apprise_could_not_send_is_an_error(receiver: Receiver, opened: Opened) -> None:
    receiver.answer(500)
    channel = opened({"WHERE": f"json://127.0.0.1:{receiver.port}/"}, kind="apprise", secret_url="${WHERE}")
    with pytest.raises(ChannelError, match="could not send it") as caught:
        await channel.send(BEGAN)
    await channel.close()
    assert (caught.value.refused, caught.value.unknown) == (False, False)


@pytest.mark.usefixtures("_apprise")
async def test_the_environment_s_proxies_are_not_heeded(
    receiver: Receiver, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    receiver.answer(200)
    channel = opened({"WHERE": f"json://127.0.0.1:{receiver.port}/"}, kind="apprise", secret_url="${WHERE}")
    await channel.send(BEGAN)
    await channel.close()
    assert len(receiver.taken) == 1


@pytest.mark.usefixtures("_apprise")
async def test_one_that_hangs_is_ended_and_nothing_is_left(
    opened: Opened, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(by_apprise, "LONGEST_S", 0.2)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    ca_file = tmp_path / "ca.crt"
    ca_file.write_text("further CAs")
    ended: list[asyncio.subprocess.Process] = []
    ending = by_apprise._ended

    async def seen(process: asyncio.subprocess.Process, logged: asyncio.Task[None]) -> None:
        ended.append(process)
        assert list(tmp_path.rglob("*.pem")), "the bundle that must not stay"
        await ending(process, logged)

    monkeypatch.setattr(by_apprise, "_ended", seen)
    monkeypatch.setattr(tempfile, "tempdir", None)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        where = {"WHERE": f"json://127.0.0.1:{silent.getsockname()[1]}/?rto=600"}
        channel = opened(where, {"upstream_ca": ca_file}, kind="apprise", secret_url="${WHERE}")
        with pytest.raises(ChannelError, match="no answer: TimeoutError") as caught:
            await channel.send(BEGAN)
        await channel.close()
    assert caught.value.unknown
    assert ended[0].returncode == -signal.SIGKILL
    assert list(tmp_path.iterdir()) == [ca_file]


@pytest.mark.usefixtures("_apprise")
def test_a_url_that_apprise_does_not_know_is_an_error_of_configuration(opened: Opened) -> None:
    with pytest.raises(ConfigError, match=r"alerts\.channels: ops: secret_url: this is no URL") as caught:
        opened({"WHERE": "nothing://xyz"}, kind="apprise", secret_url="${WHERE}")
    assert "xyz" not in str(caught.value)


def test_without_the_package_it_says_what_to_install(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "apprise"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "path", [place for place in sys.path if "midwatch-beside-" not in place])
    importlib.invalidate_caches()
    if importlib.util.find_spec("apprise") is not None:
        pytest.skip("apprise is in this environment; this is about one without it")
    with pytest.raises(ConfigError, match=r"uv pip install 'midwatch\[apprise\]'"):
        opened({"WHERE": "json://127.0.0.1:1/"}, kind="apprise", secret_url="${WHERE}")
