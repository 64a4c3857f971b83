"""One call of the demo's application, whichever client library makes it."""

from collections.abc import Callable
from dataclasses import dataclass

# Not a credential: the simulated providers ask for none, but the client libraries do.
KEY = "demo-key"
QUESTION = "In one sentence: why does a night watch walk in circles?"

type Headers = dict[str, str]


@dataclass(frozen=True, slots=True)
class Step:
    """One call: `run` makes it, with headers of the demo's own beside the client's.

    `model` is False for a call that no model answers, such as one to a tool's server.
    """

    label: str
    streamed: bool
    run: Callable[[Headers], object]
    model: bool = True
