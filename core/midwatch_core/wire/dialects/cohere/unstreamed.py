"""What those of Cohere's endpoints have in common whose answers are sent whole."""

from midwatch_core.wire.assembly import Assembly
from midwatch_core.wire.dialect import Answer, Refusal, StreamReader
from midwatch_core.wire.dialects.cohere import answers as cohere_answers
from midwatch_core.wire.dialects.cohere.stream import CohereStream


class Unstreamed:
    """Errors in Cohere's shape, read and written, and nothing to edit on the way."""

    def stream_reader(self, assembly: Assembly) -> StreamReader:
        """For what comes as events all the same: it is read as a message's would be."""
        return CohereStream(assembly)

    def stream_map(self) -> None:
        """None: its answers are never streamed."""
        return

    def refuse(self, refusal: Refusal) -> Answer:
        """Cohere's error body."""
        return cohere_answers.refuse(refusal)

    def refuse_in_stream(self, refusal: Refusal) -> bytes:
        """A message that ends in an error."""
        return cohere_answers.refuse_in_stream(refusal)
