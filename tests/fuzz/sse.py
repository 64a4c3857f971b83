"""Server-sent events: any bytes through the framer, the cutter, and the reader and the editor of any dialect.

Input: which dialect, how the body is cut, the body.
"""

from midwatch_core.wire.dialects import BUILTIN
from midwatch_core.wire.editing.sse import SseCutter
from midwatch_core.wire.sse import SseFramer
from tests.core.wire.editing.streams import OWN, SIMULATED, SSE
from tests.fuzz import answers
from tests.fuzz.pieces import Given, fed, pieces


def seeds() -> list[bytes]:
    """Simulated answers."""
    number = {dialect.id: place for place, dialect in enumerate(BUILTIN)}
    return [bytes((number[item.dialect.id], 7)) + item.body for item in (*OWN, *SIMULATED) if item.kind == SSE]


def one(data: bytes) -> None:
    """What holds of any bytes."""
    given = Given(data)
    dialect, seed, body = given.one_of(BUILTIN), given.number(), given.rest()
    chunks = pieces(body, seed)
    events = fed(SseFramer(), [body])
    assert fed(SseFramer(), chunks) == events
    cut = fed(SseCutter(), chunks)
    assert b"".join(piece.raw for piece in cut) == body
    assert [(piece.name, piece.data) for piece in cut if piece.data is not None] == events
    answers.check(dialect, body, chunks, SSE)
