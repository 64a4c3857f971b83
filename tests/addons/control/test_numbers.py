"""The declarations of all metrics: names as Prometheus wants them, read without the proxy's machinery."""

import re
import subprocess
import sys

import pytest

from midwatch.control.numbers import METRICS, declared
from midwatch.proxy.numbers import WORKER
from midwatch_core.hosting import Plugins
from midwatch_core.metrics import MetricKind, MetricSpec


@pytest.mark.parametrize("spec", METRICS, ids=lambda spec: spec.name)
def test_a_metric_is_named_as_prometheus_wants_it(spec: MetricSpec) -> None:
    # https://prometheus.io/docs/practices/naming/
    assert re.fullmatch(r"midwatch_[a-z0-9_]+", spec.name)
    assert spec.name.endswith("_total") is (spec.kind is MetricKind.COUNTER)
    assert not re.search(r"_(ms|milliseconds|kb|mb|minutes|count|sum|bucket)(_total)?$", spec.name)
    assert not {"le", "job", "instance"} & set(spec.labels)
    assert (spec.buckets != ()) is (spec.kind is MetricKind.HISTOGRAM)
    assert list(spec.buckets) == sorted(set(spec.buckets))
    assert spec.help


def test_what_workers_count_is_declared_in_control_too() -> None:
    assert {spec.name for spec in WORKER} <= declared(Plugins()).specs.keys()


def test_control_does_not_load_the_proxy_to_read_numbers() -> None:
    code = "import midwatch.control.process, sys; print([name for name in sys.modules if name.startswith('mitmproxy')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout.strip(), done.stderr) == ("[]", "")
