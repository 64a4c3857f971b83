"""What holds of any streamed answer, whatever its bytes: said once for all targets."""

from midwatch_core.model.content import Response
from midwatch_core.wire.dialect import Dialect
from midwatch_core.wire.editing.cutting import cutter_for
from midwatch_core.wire.editing.editor import StreamEditor
from midwatch_core.wire.refusal import Refusal
from midwatch_core.wire.streaming import ResponseDecoder
from tests.core.wire.editing.filters import Makes

REFUSAL = Refusal(status=403, code="policy_cut", message="Cut by policy.", request_id="req-7")


def decoded(dialect: Dialect, chunks: list[bytes], kind: str, encoding: str = "") -> Response:
    """The answer as it is read from these chunks."""
    decoder = ResponseDecoder(dialect, status=200, content_type=kind, content_encoding=encoding, asked_to_stream=True)
    for chunk in chunks:
        decoder.feed(chunk)
    return decoder.finish().response


def check(dialect: Dialect, body: bytes, chunks: list[bytes], kind: str) -> None:
    """Any split is read as the same; an editor that changes nothing keeps every byte, one that holds can be cut."""
    assert decoded(dialect, chunks, kind) == decoded(dialect, [body], kind)
    assert _edited(dialect, chunks, kind, hold=0) == body
    _edited(dialect, chunks, kind, hold=5)


def _edited(dialect: Dialect, chunks: list[bytes], kind: str, *, hold: int) -> bytes:
    cutter = cutter_for(kind, asked_to_stream=True, head=b"")
    assert cutter is not None
    editor = StreamEditor(dialect, cutter, Makes(hold=hold, strict=False))
    out = b"".join([editor.feed(chunk) for chunk in chunks])
    if hold:
        return out + editor.cut(REFUSAL)
    return out + editor.close()
