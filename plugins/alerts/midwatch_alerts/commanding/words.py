"""The words after `midwatch alerts`."""

import argparse
import asyncio
from collections.abc import Sequence

from midwatch_alerts.message import MessageKind
from midwatch_alerts.settings import Settings
from midwatch_core import Host


def run(settings: Settings, host: Host, words: Sequence[str]) -> int:
    """Run a verb; 0 where all went well, 1 where a channel did not take a test, or there is no such dead letter.

    Raises MidwatchError.
    """
    told = _parser().parse_args(words)
    if told.verb == "preview":
        from midwatch_alerts.commanding.previewing import preview

        return preview(settings, host, told.channel, told.kind)
    if told.verb == "test":
        from midwatch_alerts.commanding.testing import send_test

        return asyncio.run(send_test(settings, host, told.channel))
    from midwatch_alerts.commanding.listing import list_channels, list_dead, retry

    if told.verb == "channels":
        return asyncio.run(list_channels(settings, host, as_json=told.json))
    if told.verb == "dead":
        return asyncio.run(list_dead(host, as_json=told.json))
    return asyncio.run(retry(host, told.id))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="midwatch alerts", description="Where alerts go out, and what became of them."
    )
    verbs = parser.add_subparsers(dest="verb", required=True)
    channels = verbs.add_parser("channels", help="All channels: what waits, what was sent, what was given up.")
    channels.add_argument("--json", action="store_true", help="One JSON object a line.")
    test = verbs.add_parser("test", help="Send a message that says it is a test, and tell how that went.")
    test.add_argument("channel", metavar="CHANNEL")
    preview = verbs.add_parser("preview", help="Print what a channel would be told, and send nothing.")
    preview.add_argument("--channel", metavar="CHANNEL", help="This one's wording. Default: the usual one.")
    preview.add_argument(
        "--kind", choices=[kind.value for kind in MessageKind], help="One kind of message. Default: all of them."
    )
    dead = verbs.add_parser("dead", help="Messages that were given up, the newest first, and why.")
    dead.add_argument("--json", action="store_true", help="One JSON object a line.")
    retry = verbs.add_parser("retry", help="Send a dead letter again: at once, or when Midwatch is started.")
    retry.add_argument("id", metavar="ID", help="As `alerts dead` shows it.")
    return parser
