"""The words after `midwatch anomaly`."""

import argparse
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from midwatch_anomaly.settings import Settings
from midwatch_core import Host

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def run(settings: Settings, host: Host, words: Sequence[str]) -> int:
    """Run `replay`; 0 where nothing would have fired, 1 where something would. Raises MidwatchError."""
    told = _parser(host.clock.now()).parse_args(words)
    from midwatch_anomaly.commanding.replay import replay

    return replay(
        settings,
        host,
        since=told.since,
        until=told.until,
        tenant=told.tenant,
        sigma=told.sigma,
        as_json=told.json,
    )


def _parser(now: datetime) -> argparse.ArgumentParser:
    def moment(text: str) -> datetime:
        return _moment(text, now)

    parser = argparse.ArgumentParser(prog="midwatch anomaly", description="What is not as usual.")
    verbs = parser.add_subparsers(dest="verb", required=True)
    verb = verbs.add_parser("replay", help="What would have fired, by the calls that are kept.")
    verb.add_argument(
        "--since", type=moment, default="30d", metavar="WHEN", help="ISO 8601, or like 12h, 7d. Default: 30d."
    )
    verb.add_argument("--until", type=moment, default=now, metavar="WHEN", help="Default: now.")
    verb.add_argument("--sigma", type=float, help="In place of the setting of that name.")
    verb.add_argument("--tenant", help="Only this tenant.")
    verb.add_argument("--json", action="store_true", help="One JSON object a line.")
    return parser


def _moment(text: str, now: datetime) -> datetime:
    """`2h` ago, or an ISO 8601 moment (UTC where it names no zone)."""
    try:
        if ago := re.fullmatch(r"(\d{1,6})([smhd])", text):
            return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        at = datetime.fromisoformat(text)
    except (ValueError, OverflowError) as error:
        raise argparse.ArgumentTypeError(f"{text}: expected a moment like 2026-11-23T08:00 or 2h, 7d") from error
    return at if at.tzinfo else at.replace(tzinfo=UTC)
