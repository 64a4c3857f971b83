"""JSON Lines in memory: files of batches, and their results (https://jsonlines.org)."""

from midwatch_core.model.content import Json
from midwatch_core.wire.jsontext import parse

# The most requests that one batch may have: Anthropic's bound, OpenAI's is half of it.
MAX_LINES = 100_000


def read_lines(data: bytes) -> tuple[list[Json], str | None]:
    """The document of each line, null for an empty or unreadable one, and what was first met that is no JSON."""
    lines = data.split(b"\n", MAX_LINES)
    problem = f"more than {MAX_LINES} lines" if len(lines) > MAX_LINES else None
    documents: list[Json] = []
    for number, line in enumerate(lines[:MAX_LINES], 1):
        document, trouble = parse(line) if line.strip() else (None, None)
        documents.append(document)
        if trouble and problem is None:
            problem = f"line {number}: {trouble}"
    while documents and documents[-1] is None:
        documents.pop()
    return documents, problem


def are_lines(data: bytes) -> bool:
    """Whether these are several documents, one a line, and not one that is written over several."""
    first, _, rest = data.partition(b"\n")
    return bool(rest[:4096].strip()) and first.lstrip().startswith(b"{") and isinstance(_whole(first), dict)


def _whole(line: bytes) -> Json:
    document, problem = parse(line)
    return None if problem else document
