"""The viewer's side of a script host: its addons around those of the suite, and what begins and ends with them."""

from dataclasses import dataclass

from mitmproxy import contentviews

from midwatch.lines import LineClient
from midwatch.proxy.suite import Suite
from midwatch.viewer.commands import Commands
from midwatch.viewer.contentview import LlmConversation
from midwatch.viewer.keeping import BodyKeeping, MetadataKeeping
from midwatch.viewer.noting import Noting
from midwatch.viewer.reading import Reading

# Of a socket to a model: some long answers, or some seconds of sound.
_MOST_MESSAGES = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """`addons` in mitmproxy's order; `start` once they are there."""

    addons: list[object]
    view: LlmConversation
    noting: Noting

    def start(self) -> None:
        """Show the content view, and follow control."""
        contentviews.add(self.view)
        self.noting.start()

    async def stop(self) -> None:
        """Follow control no more. mitmproxy has no way to take back a content view."""
        await self.noting.stop()


def viewer_of(suite: Suite) -> Viewer:
    """The viewer of a suite, whose addons it takes in the middle of its own."""
    guard, most_bytes = suite.settings.plugins.guard, suite.settings.config.max_inspect_bytes
    reading = Reading(suite.recognising)
    noting = Noting(LineClient(suite.settings.home.control_socket), guard)
    suite.settling.listener = noting
    suite.sockets.keep(_MOST_MESSAGES, most_bytes)
    return Viewer(
        addons=[MetadataKeeping(), *suite.addons, BodyKeeping(most_bytes, guard), Commands(reading)],
        view=LlmConversation(reading, guard),
        noting=noting,
    )
