"""The Helm chart, rendered by Helm's engine and read as Kubernetes reads it."""

import json
import re
from copy import deepcopy
from typing import Any

import pytest
import yaml

from midwatch.proxy.numbers import WORKER
from midwatch_core.config import Config
from tests.docker.rendering import CHART, EXAMPLES, Rendered, rendered
from tests.docs.walking import DOCS

_SEVERAL = {"proxy": {"replicas": 2}}
_REFUSED = {
    "lite-twice": (_SEVERAL, "shared stores"),
    "no-ca": ({"stack": {"enabled": True}, "secret": {"name": "s", "installationKey": True}}, "ca.secret"),
    "no-installation-key": ({"stack": {"enabled": True}, "ca": {"secret": "c"}}, "installation-key"),
    "no-url": (
        {
            "storage": {"profile": "production"},
            "ca": {"secret": "c"},
            "secret": {"name": "s", "installationKey": True},
        },
        "storage.traces",
    ),
    "no-host": ({"console": {"ingress": {"enabled": True}}}, "console.ingress.host"),
    "no-such-value": ({"replicas": 3}, "replicas"),
    "no-digest": ({"image": {"digest": "latest"}}, "digest"),
}
_SLOW = {"proxy": {"drainSeconds": 300, "leaveSeconds": 20}}
_PINNED = {"image": {"digest": "sha256:" + "a" * 64}}
# What docs/kubernetes.md shows: values, and rules of an adapter.
_PAGE, _ADAPTER = (
    yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", (DOCS / "kubernetes.md").read_text(), re.DOTALL)
)
_NODES = {"tolerations": [{"key": "llm", "operator": "Exists"}], "nodeSelector": {"pool": "llm"}}
_PLACED = EXAMPLES["production"] | {
    part: EXAMPLES["production"][part] | _NODES | {"priorityClassName": f"{part}-first"}
    for part in ("proxy", "console")
}
_BALANCED = {"proxy": {"service": {"type": "LoadBalancer"}}, "config": {"workers": 4, "policy": "strict"}}


@pytest.fixture(scope="module")
def all_cases() -> dict[str, Rendered]:
    more = {"bare": {}, "slow": _SLOW, "pinned": _PINNED, "balanced": _BALANCED, "page": _PAGE, "six": {"bind": "[::]"}}
    more |= {"placed": _PLACED}
    return rendered({**EXAMPLES, **more, **{name: values for name, (values, _) in _REFUSED.items()}})


@pytest.fixture(scope="module")
def lite(all_cases: dict[str, Rendered]) -> Rendered:
    return all_cases["lite"]


@pytest.fixture(scope="module")
def production(all_cases: dict[str, Rendered]) -> Rendered:
    return all_cases["production"]


@pytest.fixture(scope="module")
def stack(all_cases: dict[str, Rendered]) -> Rendered:
    return all_cases["stack"]


def pod(item: dict[str, Any]) -> dict[str, Any]:
    spec: dict[str, Any] = item["spec"]["template"]["spec"]
    return spec


def container(item: dict[str, Any]) -> dict[str, Any]:
    (found,) = pod(item)["containers"]
    return dict(found)


def proxy(case: Rendered) -> dict[str, Any]:
    return case.one("StatefulSet", "midwatch-proxy")


def settings(case: Rendered) -> dict[str, Any]:
    text = case.one("ConfigMap", "midwatch")["data"]["config.yaml"]
    return dict(yaml.safe_load(text))


def mounts(item: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {mount["mountPath"]: mount for mount in container(item)["volumeMounts"]}


@pytest.mark.parametrize("name", [*EXAMPLES, "bare", "slow", "pinned", "balanced", "page", "placed"])
def test_helm_has_nothing_to_say_against_it(all_cases: dict[str, Rendered], name: str) -> None:
    assert (all_cases[name].error, all_cases[name].lint) == (None, [])


@pytest.mark.parametrize("name", _REFUSED)
def test_what_would_come_up_wrong_is_refused_with_the_value_to_set(all_cases: dict[str, Rendered], name: str) -> None:
    assert _REFUSED[name][1] in (all_cases[name].error or "")


@pytest.mark.parametrize("name", [*EXAMPLES, "balanced", "page"])
def test_midwatch_takes_the_settings_that_the_chart_writes(all_cases: dict[str, Rendered], name: str) -> None:
    written = settings(all_cases[name])
    written.pop("web", None)  # the plugins' sections are the plugins'
    written.pop("alerts", None)
    config = Config.model_validate(written)
    assert config.identity.required


def test_values_win_over_what_the_chart_sets_itself(all_cases: dict[str, Rendered]) -> None:
    written = settings(all_cases["balanced"])
    assert (written["workers"], written["policy"], written["drain_s"]) == (4, "strict", 30)


@pytest.mark.parametrize("name", [*EXAMPLES, "slow"])
def test_a_proxy_is_drained_before_it_goes(all_cases: dict[str, Rendered], name: str) -> None:
    case = all_cases[name]
    spec = pod(proxy(case))
    (word, leave_s) = container(proxy(case))["lifecycle"]["preStop"]["exec"]["command"]
    drain_s = settings(case)["drain_s"]
    assert word == "sleep"
    # Workers, then control, each for as long and five seconds' grace (supervisor.py).
    assert spec["terminationGracePeriodSeconds"] >= int(leave_s) + 2 * (drain_s + 5)


@pytest.mark.parametrize("name", EXAMPLES)
def test_each_proxy_has_a_volume_for_its_journal_that_outlives_it(all_cases: dict[str, Rendered], name: str) -> None:
    spec = proxy(all_cases[name])["spec"]
    (claim,) = spec["volumeClaimTemplates"]
    assert claim["metadata"]["name"] == "home"
    assert mounts(proxy(all_cases[name]))["/var/lib/midwatch"]["name"] == "home"
    assert spec["persistentVolumeClaimRetentionPolicy"] == {"whenDeleted": "Retain", "whenScaled": "Retain"}


def test_a_console_leaves_its_service_before_it_stops(production: Rendered) -> None:
    found = container(production.one("Deployment", "midwatch-console"))
    assert found["lifecycle"]["preStop"]["exec"]["command"] == ["sleep", "5"]


def test_proxies_scale_from_three_to_twenty_by_processor_and_by_connections(production: Rendered) -> None:
    spec = production.one("HorizontalPodAutoscaler", "midwatch-proxy")["spec"]
    assert (spec["minReplicas"], spec["maxReplicas"]) == (3, 20)
    resource, pods = spec["metrics"]
    assert resource["resource"]["name"] == "cpu"
    assert pods["pods"]["metric"]["name"] == "midwatch_connections_open"
    assert "replicas" not in proxy(production)["spec"]  # an upgrade must not undo what the autoscaler did
    (policy,) = spec["behavior"]["scaleDown"]["policies"]
    assert (policy["type"], policy["value"]) == ("Pods", 1)


def test_the_autoscaler_asks_for_a_metric_that_workers_have_and_the_page_s_adapter_gives() -> None:
    (rule,) = _ADAPTER["rules"]
    assert rule["seriesQuery"].startswith("midwatch_connections_open{")
    assert "midwatch_connections_open" in {spec.name for spec in WORKER}


@pytest.mark.parametrize("name", EXAMPLES)
def test_one_at_a_time_may_be_evicted(all_cases: dict[str, Rendered], name: str) -> None:
    for budget in all_cases[name].kinds("PodDisruptionBudget").values():
        assert budget["spec"]["maxUnavailable"] == 1
        selected(all_cases[name], budget["spec"]["selector"]["matchLabels"])


def test_proxies_keep_apart_on_nodes_and_in_zones(production: Rendered) -> None:
    for item in (proxy(production), production.one("Deployment", "midwatch-console")):
        (term,) = pod(item)["affinity"]["podAntiAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"]
        assert term["podAffinityTerm"]["topologyKey"] == "kubernetes.io/hostname"
        (spread,) = pod(item)["topologySpreadConstraints"]
        assert spread["topologyKey"] == "topology.kubernetes.io/zone"
        for selector in (term["podAffinityTerm"]["labelSelector"], spread["labelSelector"]):
            assert selector["matchLabels"].items() <= item["spec"]["template"]["metadata"]["labels"].items()


def test_pods_go_where_they_are_told(all_cases: dict[str, Rendered]) -> None:
    case = all_cases["placed"]
    console, job = case.one("Deployment", "midwatch-console"), case.one("Job", "midwatch-migrate")
    for item, first in ((proxy(case), "proxy-first"), (console, "console-first"), (job, "console-first")):
        assert _NODES.items() <= pod(item).items()
        assert pod(item)["priorityClassName"] == first


def selected(case: Rendered, labels: dict[str, str]) -> list[dict[str, Any]]:
    """The workloads whose pods have these labels: at least one, or the selector is for nobody."""
    found = [
        item
        for item in case.objects
        if "template" in item.get("spec", {})
        and labels.items() <= item["spec"]["template"]["metadata"]["labels"].items()
    ]
    assert found, f"nothing is selected by {labels}"
    return found


@pytest.mark.parametrize("name", EXAMPLES)
def test_nothing_goes_in_or_out_but_by_a_policy_that_names_it(all_cases: dict[str, Rendered], name: str) -> None:
    case = all_cases[name]
    policies = case.kinds("NetworkPolicy")
    deny = policies.pop("midwatch-deny")["spec"]
    assert deny["policyTypes"] == ["Ingress", "Egress"]
    assert "ingress" not in deny
    assert "egress" not in deny
    everything = [item for item in case.objects if "template" in item.get("spec", {})]
    assert selected(case, deny["podSelector"]["matchLabels"]) == everything
    for policy in policies.values():
        selected(case, policy["spec"]["podSelector"]["matchLabels"])
        for rule in policy["spec"].get("ingress", []):
            assert rule["from"], "from anywhere is no rule"
            assert rule["ports"]


def test_a_proxy_reaches_providers_and_no_private_network(production: Rendered) -> None:
    rules = production.one("NetworkPolicy", "midwatch-proxy")["spec"]["egress"]
    (outside,) = [rule for rule in rules if any("ipBlock" in peer for peer in rule.get("to", []))]
    assert [port["port"] for port in outside["ports"]] == [443]
    v4, v6 = (peer["ipBlock"] for peer in outside["to"])
    assert {"169.254.0.0/16", "10.0.0.0/8", "127.0.0.0/8"} <= set(v4["except"])
    assert {"fc00::/7", "fe80::/10"} <= set(v6["except"])  # fd00:ec2::254 is in the first


def test_the_stack_s_stores_are_reached_by_midwatch_alone(stack: Rendered) -> None:
    for part, port in {"clickhouse": 8123, "postgresql": 5432, "valkey": 6379}.items():
        spec = stack.one("NetworkPolicy", f"midwatch-{part}")["spec"]
        (rule,) = spec["ingress"]
        (peer,) = rule["from"]
        (expression,) = peer["podSelector"]["matchExpressions"]
        assert set(expression["values"]) == {"proxy", "console", "migrate"}
        assert [item["port"] for item in rule["ports"]] == [port]
        assert "egress" not in spec


def test_the_stack_is_plain_stateful_sets_and_the_settings_lead_there(stack: Rendered, production: Rendered) -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert "dependencies" not in chart
    urls = settings(stack)["storage"]
    for part, key in {"clickhouse": "traces", "postgresql": "metadata", "valkey": "cache"}.items():
        store = stack.one("StatefulSet", f"midwatch-{part}")
        service = stack.one("Service", f"midwatch-{part}")
        assert f"@midwatch-{part}:{service['spec']['ports'][0]['port']}" in urls[key]
        selected(stack, service["spec"]["selector"])
        assert store["spec"]["volumeClaimTemplates"]
        (secret,) = [volume for volume in pod(store)["volumes"] if "secret" in volume]
        assert len(secret["secret"]["items"]) == 1  # its own password, and no other's
    assert set(production.kinds("StatefulSet")) == {"midwatch-proxy"}


@pytest.mark.parametrize("name", EXAMPLES)
def test_no_secret_is_made_nor_written_out(all_cases: dict[str, Rendered], name: str) -> None:
    case = all_cases[name]
    assert not case.kinds("Secret")
    storage = settings(case)["storage"]
    for url in (storage.get(key, "") for key in ("traces", "metadata", "cache")):
        assert url == "" or "${file:/run/secrets/midwatch/" in url
    for item in case.objects:
        for each in pod(item)["containers"] if "template" in item.get("spec", {}) else []:
            assert all("valueFrom" not in variable for variable in each.get("env", []))


def test_the_ca_is_the_proxies_and_nobody_else_s(production: Rendered) -> None:
    (volume,) = [volume for volume in pod(proxy(production))["volumes"] if volume["name"] == "ca"]
    assert volume["secret"] == {"secretName": "midwatch-ca", "defaultMode": 0o440}
    folder = mounts(proxy(production))["/run/midwatch-ca"]
    assert folder["readOnly"]
    assert settings(production)["tls"]["ca"] == ["/run/midwatch-ca/tls.crt", "/run/midwatch-ca/tls.key"]
    for item in (production.one("Deployment", "midwatch-console"), production.one("Job", "midwatch-migrate")):
        assert "midwatch-ca" not in yaml.safe_dump(pod(item))


def test_a_ca_may_come_from_cert_manager(stack: Rendered) -> None:
    spec = stack.one("Certificate", "midwatch-ca")["spec"]
    assert spec["isCA"]
    assert "cert sign" in spec["usages"]
    assert spec["secretName"] == "midwatch-ca"
    assert settings(stack)["tls"]["ca"][-1] == "/run/midwatch-ca/ca.crt"


def test_all_pods_hash_with_one_key(production: Rendered) -> None:
    for item in (proxy(production), production.one("Deployment", "midwatch-console")):
        assert mounts(item)["/var/lib/midwatch/hash.key"]["subPath"] == "installation-key"


def test_a_proxy_over_shared_stores_is_judged_by_what_a_worker_answers(production: Rendered) -> None:
    found = container(proxy(production))
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert found[probe]["exec"]["command"] == ["midwatch-probe", "proxy"]


def test_a_console_and_a_pod_with_its_own_store_are_judged_by_the_three_probes(
    production: Rendered, lite: Rendered
) -> None:
    for item in (production.one("Deployment", "midwatch-console"), proxy(lite)):
        found = container(item)
        paths = [found[f"{probe}Probe"]["httpGet"]["path"] for probe in ("startup", "liveness", "readiness")]
        assert paths == ["/startupz", "/healthz", "/readyz"]


def test_migrations_are_a_hook_before_an_install_and_before_an_upgrade(production: Rendered) -> None:
    job = production.one("Job", "midwatch-migrate")
    assert job["metadata"]["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade"
    assert container(job)["args"] == ["migrate", "up"]
    # A hook runs before the release's own objects are there: what it mounts is a hook before it.
    (config,) = [volume["configMap"]["name"] for volume in pod(job)["volumes"] if "configMap" in volume]
    own = production.one("ConfigMap", config)
    assert own["metadata"]["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade"
    assert int(own["metadata"]["annotations"]["helm.sh/hook-weight"]) < 0
    assert own["data"] == production.one("ConfigMap", "midwatch")["data"]


def test_where_the_stores_come_with_the_release_the_job_is_none_of_its_hooks(stack: Rendered) -> None:
    job = stack.one("Job", "midwatch-migrate-1")
    assert "annotations" not in job["metadata"]
    assert job["spec"]["backoffLimit"] >= 10  # until the stores answer


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_pod_is_confined(all_cases: dict[str, Rendered], name: str) -> None:
    for item in all_cases[name].objects:
        if "template" not in item.get("spec", {}):
            continue
        spec = pod(item)
        assert spec["automountServiceAccountToken"] is False
        assert spec["securityContext"]["runAsNonRoot"]
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for each in spec["containers"]:
            assert each["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert each["resources"]["requests"].keys() >= {"cpu", "memory"}
            assert "memory" in each["resources"]["limits"]


def test_the_proxy_is_a_tcp_service_and_only_the_console_has_an_ingress(production: Rendered) -> None:
    service = production.one("Service", "midwatch-proxy")["spec"]
    assert [(port["port"], port["protocol"]) for port in service["ports"]] == [(8080, "TCP")]
    assert service["sessionAffinity"] == "ClientIP"
    (ingress,) = production.kinds("Ingress").values()
    (rule,) = ingress["spec"]["rules"]
    backends = {path["path"]: path["backend"]["service"]["name"] for path in rule["http"]["paths"]}
    assert backends == {
        "/api/v1/ingest": "midwatch-intake",
        "/v1/traces": "midwatch-intake",
        "/": "midwatch-console",
    }
    for name in backends.values():
        selected(production, production.one("Service", name)["spec"]["selector"])
        assert [port["port"] for port in production.one("Service", name)["spec"]["ports"]] == [8082]
    assert ingress["spec"]["tls"] == [{"hosts": ["midwatch.example.com"], "secretName": "midwatch-console-tls"}]
    assert "cert-manager.io/cluster-issuer" in ingress["metadata"]["annotations"]


def test_a_balancer_keeps_the_address_that_tells_a_client_s_tenant(all_cases: dict[str, Rendered]) -> None:
    assert all_cases["balanced"].one("Service", "midwatch-proxy")["spec"]["externalTrafficPolicy"] == "Local"


def test_with_lite_the_proxy_s_pod_is_the_console_too(lite: Rendered) -> None:
    assert not lite.kinds("Deployment")
    assert not lite.kinds("Job")
    assert selected(lite, lite.one("Service", "midwatch-console")["spec"]["selector"]) == [proxy(lite)]


def test_prometheus_finds_the_pods_and_shows_the_token(production: Rendered) -> None:
    spec = production.one("ServiceMonitor", "midwatch")["spec"]
    chosen = [
        name
        for name, service in production.kinds("Service").items()
        if spec["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    ]
    assert chosen == ["midwatch-proxy-pods"]
    (endpoint,) = spec["endpoints"]
    assert endpoint["authorization"]["credentials"] == {"name": "midwatch", "key": "scrape-token"}
    assert {"targetLabel": "job", "replacement": "midwatch"} in endpoint["relabelings"]


def test_the_rules_are_those_of_the_compose_file(production: Rendered) -> None:
    rules = production.one("PrometheusRule", "midwatch")
    assert rules["spec"] == yaml.safe_load((CHART.parents[1] / "prometheus" / "alerts.yml").read_text())
    assert rules["metadata"]["labels"]["release"] == "prometheus"


def test_the_dashboard_is_grafana_s_and_its_sidecar_finds_it(production: Rendered, lite: Rendered) -> None:
    board = production.one("ConfigMap", "midwatch-dashboard")
    assert json.loads(board["data"]["midwatch.json"]) == json.loads(
        (CHART.parents[1] / "grafana" / "midwatch.json").read_text()
    )
    assert board["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert len(board["data"]["midwatch.json"]) < 1_000_000  # a ConfigMap holds a mebibyte
    assert "midwatch-dashboard" not in lite.kinds("ConfigMap")


def test_the_chart_has_no_copy_of_rules_or_dashboard() -> None:
    for name, kept in {"alerts.yml": "prometheus/alerts.yml", "dashboard.json": "grafana/midwatch.json"}.items():
        link = CHART / "files" / name
        assert link.is_symlink(), f"{link}: a copy would drift"
        assert link.resolve() == CHART.parents[1] / kept


def test_a_digest_wins_over_a_tag(all_cases: dict[str, Rendered]) -> None:
    assert container(proxy(all_cases["pinned"]))["image"].endswith("@sha256:" + "a" * 64)
    assert container(proxy(all_cases["bare"]))["image"].endswith(":0.1.0")


def test_where_pods_listen_is_said_by_variables(all_cases: dict[str, Rendered]) -> None:
    for name, host in {"bare": "0.0.0.0", "six": "[::]"}.items():
        found = {item["name"]: item["value"] for item in container(proxy(all_cases[name]))["env"]}
        assert found == {"MIDWATCH_LISTEN": f"{host}:8080", "MIDWATCH_CONSOLE": f"{host}:8082"}


def test_a_changed_setting_makes_new_pods(all_cases: dict[str, Rendered]) -> None:
    sums = {
        proxy(all_cases[name])["spec"]["template"]["metadata"]["annotations"]["checksum/config"]
        for name in ("bare", "slow", "balanced")
    }
    assert len(sums) == 3


def test_the_notes_say_how_to_make_a_key_and_what_to_trust(production: Rendered, lite: Rendered) -> None:
    assert "keys create" in production.notes
    assert "tls\\.crt" in production.notes
    assert "mitmproxy-ca-cert.pem" in lite.notes


def test_every_value_has_its_place_in_the_schema() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    values = yaml.safe_load((CHART / "values.yaml").read_text())

    def known(part: Any, at: dict[str, Any]) -> Any:
        at = schema["$defs"][at["$ref"].rpartition("/")[2]] if "$ref" in at else at
        if isinstance(part, dict) and "properties" in at:
            assert set(part) <= set(at["properties"]), at
            return {name: known(item, at["properties"][name]) for name, item in part.items()}
        return deepcopy(part)

    assert known(values, schema) == values
