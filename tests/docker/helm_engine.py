"""Helm's own engine, in a process of its own: it is a Go library, and its threads are not this test process's.

Reads {name of a case: values} as JSON from standard input, writes {name: answer} to standard output. An answer has
`manifests` (template: text), or `error` where Helm refused; and `lint`, what `helm lint --strict` complained of.
"""

import importlib
import json
import sys
from typing import Any

_COMPLAINT = 2  # a warning, or worse


def answers(chart_folder: str, cases: dict[str, Any]) -> dict[str, Any]:
    """What Helm makes of each case."""
    helm = importlib.import_module("helm_python")
    found: dict[str, Any] = {}
    with helm.Chart.load(chart_folder) as chart:
        for name, values in cases.items():
            try:
                chart.validate_schema(values)
                manifests = chart.render(values, name="midwatch", namespace="midwatch", revision=1)
            except helm.HelmError as error:
                found[name] = {"error": str(error)}
                continue
            report = helm.lint(chart_folder, values, strict=True, namespace="midwatch")
            complaints = [item["error"] for item in report["messages"] if item["severity"] >= _COMPLAINT]
            found[name] = {"manifests": manifests, "lint": complaints + report["errors"]}
    return found


if __name__ == "__main__":
    print(json.dumps(answers(sys.argv[1], json.load(sys.stdin))))
