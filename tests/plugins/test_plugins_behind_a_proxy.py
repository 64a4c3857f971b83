"""What plugins send of themselves goes through the house's forward proxy, which learns the host's name and no more."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from midwatch_alerts.channels.channel import Channel, ChannelError
from midwatch_compliance.siem.settings import SinkSettings
from midwatch_compliance.siem.sinks.making import make_sink
from midwatch_compliance.siem.sinks.sink import SinkError
from midwatch_core import Config, Host, Metrics, Role
from midwatch_core.testing import make_exchange
from midwatch_otel import Otel
from midwatch_otel.settings import ExportSettings, OtelSettings
from tests.beside import APPRISE, beside
from tests.plugins.alerts.channels.told_messages import BEGAN, SUBJECT, opener
from tests.plugins.company_proxy import CompanyProxy, Receiver, company_proxy, receiver
from tests.plugins.compliance.test_siem_formats import EVENT
from tests.plugins.grpc.certificate import self_signed
from tests.plugins.otel.begun import begun

PASSWORD = "p%40ss@w/rd planted-77"
URL = "https://hooks.example"


@dataclass
class Office:
    """A network whose only way out is the proxy: the receiver's name is known to nobody else."""

    proxy: CompanyProxy
    receiver: Receiver
    ca_file: Path

    def house(self, **upstream: Any) -> dict[str, object]:
        """Settings of a house in it."""
        proxy = f"http://office:${{OFFICE_PASSWORD}}@127.0.0.1:{self.proxy.port}"
        return dict(Config.model_validate({"upstream_ca": self.ca_file, "upstream": {"proxy": proxy, **upstream}}))


@pytest.fixture(scope="module")
def _apprise() -> None:
    """There before the environment names a proxy that is none, by which it could not be had."""
    beside(*APPRISE, module="apprise")


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    monkeypatch.setenv("OFFICE_PASSWORD", PASSWORD)
    for name in ("HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    certificate, key = self_signed(tmp_path, "hooks.example")
    with (
        receiver(certificate, key) as receiving,
        company_proxy({"hooks.example:443": receiving.port}, f"office:{PASSWORD}") as proxy,
    ):
        yield Office(proxy, receiving, certificate)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Channel]:
    return opener(monkeypatch)


async def until(true: Callable[[], object]) -> None:
    async with asyncio.timeout(30):
        while not true():
            await asyncio.sleep(0.01)


def only_tunnels(office: Office, *secrets: str) -> None:
    """The proxy was asked for tunnels to the host, and saw none of these pass."""
    assert office.proxy.asked
    assert set(office.proxy.asked) == {"CONNECT hooks.example:443 HTTP/1.1"}
    for secret in secrets:
        assert secret.encode() not in office.proxy.told


async def test_an_alert(office: Office, opened: Callable[..., Channel]) -> None:
    secrets = {"HOOK": f"{URL}/T0/planted-path", "SIGN": "planted-signing-secret-24-bytes", "TOKEN": "planted-token"}
    channel = opened(
        secrets, office.house(), kind="webhook", url="${HOOK}", secret="${SIGN}", headers={"x-token": "${TOKEN}"}
    )
    await channel.send(BEGAN)
    await channel.close()
    ((path, headers, body),) = office.receiver.taken
    assert (path, headers["x-token"], BEGAN.title in body.decode()) == ("/T0/planted-path", "planted-token", True)
    assert "proxy-authorization" not in headers
    only_tunnels(office, "planted-path", "planted-token", headers["webhook-signature"], BEGAN.title)


async def test_an_alert_by_a_proxy_of_its_channel_s_own(office: Office, opened: Callable[..., Channel]) -> None:
    own = {"OWN": f"http://office:planted@127.0.0.1:{office.proxy.port}"}
    channel = opened(own, office.house(), kind="webhook", url=URL, proxy="${OWN}")
    with pytest.raises(ChannelError, match="can't be reached: ProxyError") as caught:
        await channel.send(BEGAN)
    await channel.close()
    assert (caught.value.unknown, office.receiver.taken, len(office.proxy.heads)) == (False, [], 1)


@pytest.mark.usefixtures("_apprise")
async def test_an_alert_by_apprise(
    office: Office, opened: Callable[..., Channel], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    where = {"WHERE": "jsons://me:planted-word@hooks.example/planted-path"}
    channel = opened(where, office.house(), kind="apprise", secret_url="${WHERE}")
    await channel.send(BEGAN)
    await channel.close()
    ((path, headers, body),) = office.receiver.taken
    assert (path, json.loads(body)["title"]) == ("/planted-path", SUBJECT)
    assert "proxy-authorization" not in headers
    only_tunnels(office, "planted-path", headers["authorization"], SUBJECT)
    assert "planted" not in caplog.text


@pytest.mark.usefixtures("_apprise")
async def test_an_alert_by_apprise_to_who_is_reached_directly(
    office: Office, opened: Callable[..., Channel], tmp_path: Path
) -> None:
    near = tmp_path / "near"
    near.mkdir()
    certificate, key = self_signed(near, "localhost")
    with receiver(certificate, key) as receiving:
        house = {**office.house(), "upstream_ca": certificate}
        where = {"WHERE": f"jsons://localhost:{receiving.port}/"}
        channel = opened(where, house, kind="apprise", secret_url="${WHERE}")
        await channel.send(BEGAN)
        await channel.close()
        assert len(receiving.taken) == 1
    assert office.proxy.heads == []


async def test_an_event_for_a_siem(office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIEM_TOKEN", "planted-token")
    settings = SinkSettings(kind="http", url=f"{URL}/in", headers={"Authorization": "Bearer ${SIEM_TOKEN}"})
    sink = make_sink(settings, tmp_path, version="1", hostname="node", house=office.house)
    await sink.send([EVENT])
    await sink.close()
    ((path, headers, _),) = office.receiver.taken
    assert (path, headers["authorization"]) == ("/in", "Bearer planted-token")
    only_tunnels(office, "planted-token", EVENT.id)


async def test_spans_and_metrics(office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLLECTOR", "planted-token")
    export = ExportSettings(endpoint=URL, headers={"x-key": "${COLLECTOR}"}, interval_s=0.01)
    otel, metrics = Otel(OtelSettings(export=export)), Metrics()
    metrics.declare(otel.metrics())
    await begun(otel, Host(role=Role.CONTROL, home=tmp_path, metrics=metrics, settings=office.house()))
    otel.stored([make_exchange()])
    await until(lambda: {path for path, _, _ in office.receiver.taken} == {"/v1/traces", "/v1/metrics"})
    await otel.shutdown()
    assert {headers["x-key"] for _, headers, _ in office.receiver.taken} == {"planted-token"}
    only_tunnels(office, "planted-token")


async def test_a_way_that_changes_holds_for_the_next_batch(office: Office, tmp_path: Path) -> None:
    house = office.house(direct=["hooks.example"])
    settings = SinkSettings(kind="http", url=f"{URL}/in")
    sink = make_sink(settings, tmp_path, version="1", hostname="node", house=lambda: house)
    with pytest.raises(SinkError, match="ConnectError"):  # directly, where nobody knows the name
        await sink.send([EVENT])
    assert office.proxy.heads == []
    house = office.house()
    await sink.send([EVENT])
    await sink.close()
    assert len(office.receiver.taken) == 1


async def test_a_reload_leads_spans_another_way(office: Office, tmp_path: Path) -> None:
    otel, metrics = Otel(OtelSettings(export=ExportSettings(endpoint=URL, interval_s=0.01))), Metrics()
    metrics.declare(otel.metrics())
    host = Host(role=Role.CONTROL, home=tmp_path, metrics=metrics, settings={"upstream_ca": office.ca_file})
    await begun(otel, host)
    otel.stored([make_exchange()])
    await until(lambda: any("retries" in item.name and item.values[0] for item in metrics.samples()))
    otel.reload(replace(host, settings=office.house()))
    await until(lambda: office.receiver.taken)
    await otel.shutdown()
    only_tunnels(office)
