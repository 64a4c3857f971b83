"""Windows over a long text: which stretches of its tokens a model reads, and what it does not."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Windows:
    """`spans` are token positions, the end exclusive, in order; `skipped` counts the tokens that no span covers."""

    spans: tuple[tuple[int, int], ...]
    skipped: int = 0


def windows_of(tokens: int, size: int, stride: int, most: int) -> Windows:
    """Windows of `size` over so many tokens, one every `stride`; the last ends where the text ends.

    Where that would be more than `most`, these are spread evenly, the head and the tail among them: an injection
    hides at the end as often as at the beginning. Raises ValueError where size, stride and most make no sense.
    """
    if size < 1 or most < 1 or not 1 <= stride <= size:
        raise ValueError(f"windows of {size} tokens, one every {stride}, at most {most}")
    if tokens <= size:
        return Windows(spans=((0, tokens),) if tokens > 0 else ())
    last = tokens - size
    needed = -(-last // stride) + 1
    if needed <= most:
        starts = [min(index * stride, last) for index in range(needed)]
        return Windows(spans=tuple((start, start + size) for start in starts))
    starts = [index * last // (most - 1) for index in range(most)] if most > 1 else [0]
    return _capped(starts, size, tokens)


def _capped(starts: list[int], size: int, tokens: int) -> Windows:
    covered = end = 0
    for start in starts:
        covered += start + size - max(start, end)
        end = start + size
    return Windows(spans=tuple((start, start + size) for start in starts), skipped=tokens - covered)
