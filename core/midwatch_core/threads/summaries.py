"""Knowing a summary again: clients that run out of room begin anew with what the model told in short.

Claude Code puts what stands between `<summary>` tags into its first user message, Codex sends the answer as the last
of its user messages (openai/codex, codex-rs/core/src/compact.rs), Gemini CLI as a `<state_snapshot>`. All carry lines
of an earlier answer, whatever they write around them.
"""

from collections.abc import Iterable, Sequence

from midwatch_core.model.segment import Part, Segment

_MOST_PROBES = 4
_SHORTEST, _LONGEST = 24, 120
# Of an answer so much is looked at, and so much of what a user says.
_MOST_CHARACTERS = 256 * 1024
_FIRST, _LAST = 2, 8


def probes_of(texts: Iterable[str]) -> tuple[str, ...]:
    """A few long lines of an answer, from its beginning to its end, by which it is known when it comes as a summary."""
    text = "\n".join(texts)[:_MOST_CHARACTERS]
    _, opened, rest = text.rpartition("<summary>")
    if opened:
        text = rest.partition("</summary>")[0]
    lines = [line for line in map(str.strip, text.splitlines()) if len(line) >= _SHORTEST]
    step = max(1, len(lines) // _MOST_PROBES)
    return tuple(line[:_LONGEST] for line in lines[::step][:_MOST_PROBES])


def tells(segments: Iterable[Segment], probes: Sequence[str]) -> bool:
    """Whether a text of the user's, of the first or the last ones, holds these lines, but for one of three or more."""
    if not probes:
        return False
    wanted = len(probes) - (len(probes) > 2)
    texts = [segment.text for segment in segments if segment.part is Part.USER]
    return any(
        sum(text.find(probe, 0, _MOST_CHARACTERS) >= 0 for probe in probes) >= wanted
        for text in (*texts[:_FIRST], *texts[_FIRST:][-_LAST:])
    )
