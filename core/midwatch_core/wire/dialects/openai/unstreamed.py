"""What those of OpenAI's endpoints have in common whose answers are sent whole."""

from midwatch_core.wire.assembly import Assembly
from midwatch_core.wire.dialect import Answer, Refusal, StreamReader
from midwatch_core.wire.dialects.openai import errors as openai_errors
from midwatch_core.wire.dialects.openai.chat_stream import ChatStreamReader
from midwatch_core.wire.editing.slot import StreamMap


class Unstreamed:
    """Errors in OpenAI's shape, read and written, and nothing to edit on the way."""

    def stream_reader(self, assembly: Assembly) -> StreamReader:
        """For what comes as events all the same: its errors are read."""
        return ChatStreamReader(assembly)

    def stream_map(self) -> StreamMap | None:
        """None: its streams, if any, have no texts."""
        return None

    def refuse(self, refusal: Refusal) -> Answer:
        """See `openai_errors.refuse`."""
        return openai_errors.refuse(refusal)

    def refuse_in_stream(self, refusal: Refusal) -> bytes:
        """See `openai_errors.refuse_in_stream`."""
        return openai_errors.refuse_in_stream(refusal)
