"""The compose files and the sidecars: they fit the image, the settings and each other. Their form is .ci/deploy's."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from midwatch_core.access.keys import SHAPE
from midwatch_core.config import load_config
from midwatch_core.hosting import Plugins

DOCKER = Path(__file__).resolve().parents[2] / "docker"
LITE, PRODUCTION, SIDECAR = (
    yaml.safe_load((DOCKER / name).read_text())
    for name in ("compose.yaml", "compose.production.yaml", "sidecar/compose.yaml")
)
POD = next(yaml.safe_load_all((DOCKER / "sidecar" / "kubernetes.yaml").read_text()))["spec"]["template"]["spec"]
_OURS = [
    pytest.param(file["services"][name], id=f"{file['name']}-{name}")
    for file in (LITE, PRODUCTION, SIDECAR)
    for name in file["services"]
    if name != "agent"
]


@pytest.mark.parametrize("service", _OURS)
def test_every_service_is_confined(service: dict[str, Any]) -> None:
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not service.get("privileged")


@pytest.mark.parametrize("service", _OURS)
def test_nothing_is_published_beyond_this_machine(service: dict[str, Any]) -> None:
    assert all(str(port).startswith("127.0.0.1:") for port in service.get("ports", []))


def test_who_stops_a_proxy_gives_it_the_time_to_drain() -> None:
    for file in (LITE, PRODUCTION, SIDECAR):
        assert file["services"]["midwatch"]["stop_grace_period"] == "90s"  # 2 x (drain_s + 5), and more


def test_midwatch_takes_the_settings_of_production() -> None:
    plugins = Plugins()
    plugins.discover()
    config = load_config(file=DOCKER / "midwatch.production.yaml", flags={}, sections=plugins.sections(), environ={})
    assert config.storage.profile == "production"
    assert config.workers == 2


def test_the_settings_name_the_services_and_secrets_that_there_are() -> None:
    text = (DOCKER / "midwatch.production.yaml").read_text()
    services = PRODUCTION["services"]
    for name, port in {"clickhouse": 8123, "postgresql": 5432, "valkey": 6379}.items():
        assert f"@{name}:{port}/" in text
        assert services[name]["networks"] == ["stores"]
    named = set(re.findall(r"/run/secrets/(\w+)", text))
    assert named == set(services["midwatch"]["secrets"])
    assert named <= set(PRODUCTION["secrets"])


def test_stores_have_no_way_out_and_migrations_come_first() -> None:
    assert PRODUCTION["networks"]["stores"] == {"internal": True}
    needed = PRODUCTION["services"]["midwatch"]["depends_on"]
    assert needed["migrate"] == {"condition": "service_completed_successfully"}


def test_what_is_mounted_is_there() -> None:
    for service in PRODUCTION["services"].values():
        for mount in service.get("volumes", []):
            if mount.startswith("./"):
                assert (DOCKER / mount.partition(":")[0]).exists(), mount


def test_prometheus_and_grafana_are_given_our_files() -> None:
    scrape = yaml.safe_load((DOCKER / "prometheus" / "prometheus.yml").read_text())["scrape_configs"][0]
    assert scrape["static_configs"] == [{"targets": ["midwatch:8082"]}]
    secret = Path(scrape["authorization"]["credentials_file"]).name
    assert secret in PRODUCTION["services"]["prometheus"]["secrets"]
    mounted = {mount.split(":")[1] for mount in PRODUCTION["services"]["grafana"]["volumes"]}
    provisioning = DOCKER / "grafana" / "provisioning"
    (provider,) = yaml.safe_load((provisioning / "dashboards" / "midwatch.yaml").read_text())["providers"]
    assert f"{provider['options']['path']}/midwatch.json" in mounted
    (source,) = yaml.safe_load((provisioning / "datasources" / "prometheus.yaml").read_text())["datasources"]
    assert source["url"] == "http://prometheus:9090"


def test_secrets_are_made_once_and_the_admin_s_key_is_one(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    command = [str(DOCKER / "make-secrets"), str(folder)]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    made = {file.name: file.read_text() for file in folder.iterdir()}
    assert set(made) == set(PRODUCTION["secrets"])
    assert re.fullmatch(r"mw_[a-z2-7]{8}_[A-Za-z0-9_-]{32,128}", made["admin_key"]), SHAPE
    assert len(set(made.values())) == len(made)
    assert folder.stat().st_mode & 0o777 == 0o700
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    assert {file.name: file.read_text() for file in folder.iterdir()} == made


def test_made_secrets_are_not_in_the_tree() -> None:
    assert "docker/secrets/" in (DOCKER.parent / ".gitignore").read_text().splitlines()


def application() -> list[Any]:
    (agent,) = POD["containers"]
    pod_variables = {item["name"]: item.get("value") for item in agent["env"]}
    return [
        pytest.param(SIDECAR["services"]["agent"]["environment"], id="compose"),
        pytest.param(pod_variables, id="kubernetes"),
    ]


@pytest.mark.parametrize("environ", application())
def test_a_sidecar_s_application_is_told_by_variables_alone(environ: dict[str, Any]) -> None:
    assert environ["HTTPS_PROXY"] == "http://127.0.0.1:8080"
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"):
        assert environ[name] == "/trust/ca.pem"


def test_a_sidecar_s_application_sees_certificates_and_no_key() -> None:
    assert SIDECAR["services"]["agent"]["volumes"] == ["trust:/trust:ro"]
    (agent,) = POD["containers"]
    assert agent["volumeMounts"] == [{"name": "trust", "mountPath": "/trust", "readOnly": True}]
    assert agent["securityContext"]["runAsUser"] != 10001


def test_a_sidecar_starts_before_its_application_and_ends_after_it() -> None:
    trust, midwatch = POD["initContainers"]
    assert trust["args"][-1] == "/trust/ca.pem"
    assert midwatch["restartPolicy"] == "Always"
    assert midwatch["startupProbe"]["exec"]["command"] == ["midwatch-probe", "proxy"]


def test_a_sidecar_that_asks_nobody_listens_on_loopback() -> None:
    midwatch = POD["initContainers"][1]
    pod = {item["name"]: item["value"] for item in midwatch["env"]}
    compose = SIDECAR["services"]["midwatch"]["environment"]
    for environ in (pod, compose):
        assert environ["MIDWATCH_IDENTITY__REQUIRED"] == "false"
        assert environ["MIDWATCH_LISTEN"].startswith("127.0.0.1:")
    config = load_config(file=None, flags={}, environ=compose, sections={})
    assert config.identity.required is False
