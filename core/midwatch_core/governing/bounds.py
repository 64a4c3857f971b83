"""The most that a call can use, told from its request alone: its bytes as input tokens, its own maximum of output."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from midwatch_core.metering import MOST
from midwatch_core.model.content import Json, Operation, Request

# What a provider's own prompt for tools adds to the input: Anthropic's are below 800 tokens.
_TOOLS_TOKENS = 1024
# Gemini's and Ollama's settings stand in an object of their own.
_NESTED = ("generationConfig", "generation_config", "options")
# Where each dialect says the most it may write, and how often: some servers pass over a word of another dialect.
_MAXIMA: Mapping[str, tuple[str, ...]] = {
    "openai.chat": ("max_completion_tokens", "max_tokens"),
    "openai.completions": ("max_tokens",),
    "openai.responses": ("max_output_tokens",),
    "anthropic.messages": ("max_tokens",),
    "cohere.chat": ("max_tokens",),
    "gemini.code_assist": ("maxOutputTokens", "max_output_tokens"),
    "gemini.generate_content": ("maxOutputTokens", "max_output_tokens"),
    "ollama.chat": ("num_predict",),
    "ollama.generate": ("num_predict",),
}
_ANY = ("max_completion_tokens", "max_tokens", "max_output_tokens", "maxOutputTokens", "num_predict")
_MAX_DIGITS = 18
# They spend no tokens themselves: no model answers them, or it does later, and what that costs no call is told.
FREE = frozenset(
    {
        Operation.BATCH,
        Operation.COUNT_TOKENS,
        Operation.EXECUTE_TOOL,
        Operation.FILES,
        Operation.LIST_TOOLS,
        Operation.MCP,
        Operation.STORED,
    }
)
# Answered by vectors, an order or a judgement: nothing is written.
_WRITE_NOTHING = frozenset({Operation.EMBEDDINGS, Operation.MODERATION, Operation.RERANK})
# Billed by the picture, the second or the character where the answer counts no tokens.
OFTEN_UNTOLD = frozenset({Operation.IMAGE, Operation.MODERATION, Operation.SPEECH, Operation.TRANSCRIPTION})
# Bytes of sound and pictures are no tokens. The window of a model that transcribes (platform.openai.com/docs/models,
# gpt-4o-transcribe), and sixteen pictures of the most tokens that one has, beside a prompt of the greatest length.
_MOST_READ = {Operation.TRANSCRIPTION: 16_384, Operation.IMAGE: 131_072}
# A picture of the highest quality has 6,240 tokens at gpt-image-1, and more at its successors.
_PICTURE_TOKENS = 8_192
_CANDIDATES = ("n", "best_of", "candidateCount", "candidate_count")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """The most tokens of a call. `open_ended`: it sets no maximum, and the output is what is assumed at first.

    What a call draws in from elsewhere (a stored conversation, a file, a URL, a search by the provider) is not in it.
    """

    input_tokens: int
    output_tokens: int
    open_ended: bool = False

    @property
    def tokens(self) -> int:
        """Input and output together."""
        return min(self.input_tokens + self.output_tokens, MOST)


def bound_of(request: Request, dialect: str, *, body_bytes: int, assumed_output_tokens: int) -> Bound:
    """The bound of a request whose plain body has so many bytes: no tokenizer makes more tokens than bytes."""
    if request.operation in FREE:
        return Bound(input_tokens=0, output_tokens=0)
    read = min(body_bytes + (_TOOLS_TOKENS if request.tools else 0), _MOST_READ.get(request.operation, MOST))
    if request.operation in _WRITE_NOTHING:
        return Bound(input_tokens=read, output_tokens=0)
    # All that are given count: which of them a server heeds is not ours to know.
    said = max(_whole(request.parameters, _MAXIMA.get(dialect, _ANY)), default=None)
    times = max(_whole(request.parameters, _CANDIDATES), default=1)
    if request.operation is Operation.IMAGE:
        said = _PICTURE_TOKENS
    written = min((assumed_output_tokens if said is None else said) * times, MOST)
    return Bound(input_tokens=read, output_tokens=written, open_ended=said is None)


def _whole(parameters: Mapping[str, Json], names: tuple[str, ...]) -> Iterator[int]:
    for place in (parameters, *_nested(parameters)):
        for name in names:
            value = _number(place.get(name))
            if value is not None and value > 0:
                yield value


def _number(value: Json) -> int | None:
    """A whole number as lenient servers read one: `4096.0` and `"4096"` are some too."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and value.isdecimal() and len(value) <= _MAX_DIGITS:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _nested(parameters: Mapping[str, Json]) -> Iterator[Mapping[str, Json]]:
    for name in _NESTED:
        inner = parameters.get(name)
        if isinstance(inner, dict):
            yield inner
