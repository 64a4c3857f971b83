"""What a request repeats of its conversation: what was said, in its order, and the places where the model spoke."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum

from midwatch_core.model.content import Request
from midwatch_core.model.segment import Part, Segment

_SPOKEN = frozenset({Part.USER, Part.ASSISTANT, Part.TOOL_CALL})
# Begins what stands in the place of a call's id where there is none.
NO_ID = "#"
# Claude Code adds such blocks to what the user says last, and takes them out again later.
_REMINDER = "<system-reminder>"
# More calls of one answer, or results after it, are not followed; longer texts are not compared loosely.
MOST_CALLS = 256
_MOST_CHARACTERS = 1024 * 1024


class Kind(Enum):
    """Who has the word: the user, a tool of the client, or the model."""

    USER = "user"
    RESULT = "result"
    ANSWER = "answer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the model spoke, once: units `start` to `end` of the history are its texts.

    `arguments` are the hashes of its tool calls' arguments, `results` the ids of the calls whose results come next.
    """

    start: int
    end: int
    texts: tuple[Segment, ...]
    arguments: tuple[str, ...]
    results: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """A request as units, each a text that was said or a result that was brought.

    System texts, definitions of tools, documents and reasoning are left out: clients change them from turn to turn. So
    are tool calls: clients write their arguments anew; a result stands in the history by the id of its call, or by the
    tool's name, for clients shorten old results. `digests[n]` stands for the first n units.
    """

    kinds: tuple[Kind, ...]
    digests: tuple[int, ...]
    places: tuple[Place, ...]

    @property
    def said(self) -> int:
        """The digest of all of it."""
        return self.digests[-1]

    def before_turn(self, end: int) -> int:
        """The digest of the first `end` units without the user's last turn in them."""
        while end > 0 and self.kinds[end - 1] is Kind.USER:
            end -= 1
        return self.digests[end]


def history_of(request: Request) -> History:
    """The history that a request carries."""
    reader = _Reader()
    for kind, key, segment in _steps(request):
        reader.take(kind, key, segment)
    return reader.history()


def answer_texts(segments: Iterable[Segment]) -> list[Segment]:
    """The texts of an answer that its client sends back as the model's."""
    return [segment for segment in segments if segment.part is Part.ASSISTANT and segment.hash]


def loosely(texts: Iterable[Segment]) -> int | None:
    """A digest that is the same for texts that were split, joined or trimmed on their way; None for none, or long ones.

    Of the texts as they are kept: values that were masked in one place and not in another make a difference.
    """
    texts = list(texts)
    if sum(len(segment.text) for segment in texts) > _MOST_CHARACTERS:
        return None
    text = "".join(piece for segment in texts for piece in segment.text.split())
    return hash(text) if text else None


class _Reader:
    """Puts the steps of a request together."""

    def __init__(self) -> None:
        self._kinds: list[Kind] = []
        self._digests = [0]
        self._places: list[Place] = []
        self._start = 0
        self._texts: list[Segment] = []
        self._arguments: list[str] = []
        self._results: list[str] = []
        # Whether results came since the model spoke.
        self._answered = False

    def take(self, kind: Kind, key: str, segment: Segment | None) -> None:
        """The next step."""
        if kind is Kind.RESULT and key in self._results:
            return  # Gemini CLI brings every result twice in a conversation that it takes up again
        if kind is Kind.USER or (kind is Kind.ANSWER and self._answered):
            self._end_place()
        if segment is not None and segment.part is Part.TOOL_CALL:
            self._begin()
            self._arguments.append(key)
            return
        if kind is Kind.ANSWER and segment is not None:
            self._begin()
            self._texts.append(segment)
        elif kind is Kind.RESULT:
            self._bring(key)
        self._kinds.append(kind)
        self._digests.append(hash((self._digests[-1], kind.value, key)))

    def _bring(self, key: str) -> None:
        self._answered = True
        if len(self._results) < MOST_CALLS and not key.startswith(NO_ID):
            self._results.append(key)

    def history(self) -> History:
        """All that was taken."""
        self._end_place()
        return History(kinds=tuple(self._kinds), digests=tuple(self._digests), places=tuple(self._places))

    def _begin(self) -> None:
        if not self._texts and not self._arguments:
            self._start = len(self._kinds)

    def _end_place(self) -> None:
        if self._texts or self._arguments or self._results:
            self._places.append(
                Place(
                    start=self._start,
                    end=self._start + len(self._texts),
                    texts=tuple(self._texts),
                    arguments=tuple(self._arguments),
                    results=tuple(self._results),
                )
            )
        self._start = len(self._kinds)
        self._texts, self._arguments, self._results, self._answered = [], [], [], False


def _steps(request: Request) -> Iterator[tuple[Kind, str, Segment | None]]:
    """Texts and results in their order: a message's results stand before its texts."""
    results = [
        (message_number(item.path), item.call_id or f"{NO_ID}{item.name or ''}") for item in request.tool_results
    ]
    at = 0
    for segment in request.segments:
        if segment.part not in _SPOKEN or not segment.hash:
            continue
        number = message_number(segment.path)
        while at < len(results) and results[at][0] <= number:
            yield Kind.RESULT, results[at][1], None
            at += 1
        if segment.part is not Part.USER:
            yield Kind.ANSWER, segment.hash, segment
        elif not segment.text.lstrip().startswith(_REMINDER):
            yield Kind.USER, segment.hash, segment
    for _, key in results[at:]:
        yield Kind.RESULT, key, None


def message_number(path: str) -> int:
    """The number of the message that a path is in; -1 where there are none."""
    for piece in path.split("/", 5):
        if piece.isdecimal() and len(piece) < 10:
            return int(piece)
    return -1
