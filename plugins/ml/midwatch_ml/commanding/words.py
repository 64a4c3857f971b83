"""The words after `midwatch ml`."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from midwatch_core import Host
from midwatch_ml.settings import Settings


def run(settings: Settings, host: Host, words: Sequence[str]) -> int:
    """Run `list`, `evaluate` or `export`; 0 where all went well, 1 where a model can't be had. Raises MidwatchError."""
    told = _parser().parse_args(words)
    if told.verb == "list":
        from midwatch_ml.commanding.listing import list_models

        return list_models(settings, host.home, as_json=told.json)
    if told.verb == "evaluate":
        from midwatch_ml.commanding.evaluating import evaluate

        return evaluate(settings, host.home, told.model, told.sets, histogram_to=told.histogram, as_json=told.json)
    from midwatch_ml.commanding.exporting import export

    return export(host, tenant=told.tenant, with_open=told.open, output=told.output)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="midwatch ml", description="Models that look for injections.")
    verbs = parser.add_subparsers(dest="verb", required=True)
    listing = verbs.add_parser("list", help="Load each model, and show its card or what is wrong with it.")
    listing.add_argument("--json", action="store_true", help="One JSON object a line.")
    evaluate = verbs.add_parser("evaluate", help="How well a model does on labelled texts.")
    evaluate.add_argument("model", metavar="ID|DIR", help="A model of the settings, or a directory.")
    evaluate.add_argument(
        "--sets",
        nargs="+",
        type=Path,
        required=True,
        metavar="FILE",
        help='JSON lines of {"text": …, "label": 1 for an injection, 0 for none}.',
    )
    evaluate.add_argument(
        "--histogram", type=Path, metavar="FILE", help="Write how scores of harmless texts are spread: a `calibration`."
    )
    evaluate.add_argument("--json", action="store_true", help="One JSON object a line.")
    export = verbs.add_parser("export", help="Texts with findings that people judged, as JSON lines with labels.")
    export.add_argument("--tenant", help="Only this tenant.")
    export.add_argument("--open", action="store_true", help="Also those nobody judged, with a label of null.")
    export.add_argument("--output", type=Path, metavar="FILE", help="Default: standard output.")
    return parser
