"""A span's tokens in our one meaning: caches are parts of the input, reasoning is a part of the output."""

from midwatch_core import Usage
from midwatch_otel.ingest.names import Bag, Meaning


def usage_of(bag: Bag) -> Usage | None:
    """The tokens, None where the span tells none.

    Conventions before OpenTelemetry's 1.40 did not say whether the input includes what caches gave and took. A part
    can't be more than the whole: where it is, the input told leaves the caches out, and they are added.
    """
    total, output = bag.whole(Meaning.TOTAL_TOKENS), bag.whole(Meaning.OUTPUT_TOKENS)
    read, write = bag.whole(Meaning.CACHE_READ_TOKENS), bag.whole(Meaning.CACHE_WRITE_TOKENS)
    reasoning = bag.whole(Meaning.REASONING_TOKENS)
    whole_input = bag.whole(Meaning.INPUT_TOKENS)
    if whole_input is None and total is not None:
        whole_input = max(0, total - (output or 0))
    usage = Usage(
        input_tokens=_with_parts(whole_input, (read or 0) + (write or 0)),
        output_tokens=_with_parts(output, reasoning or 0),
        cache_read_tokens=read,
        cache_write_5m_tokens=write,
        reasoning_tokens=reasoning,
        input_audio_tokens=bag.whole(Meaning.INPUT_AUDIO_TOKENS),
        input_image_tokens=bag.whole(Meaning.INPUT_IMAGE_TOKENS),
        cache_audio_read_tokens=bag.whole(Meaning.CACHE_AUDIO_TOKENS),
        output_audio_tokens=bag.whole(Meaning.OUTPUT_AUDIO_TOKENS),
        output_image_tokens=bag.whole(Meaning.OUTPUT_IMAGE_TOKENS),
    )
    return None if usage == Usage() else usage


def _with_parts(whole: int | None, parts: int) -> int | None:
    return whole + parts if whole is not None and parts > whole else whole
