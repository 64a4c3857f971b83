"""Names of persons: words that follow one another as those of a name do."""

from collections.abc import Iterator, Sequence

from midwatch_pii.ner.entities import Entity, Kind
from midwatch_pii.ner.meanings import Meaning
from midwatch_pii.ner.words import Word
from midwatch_pii.ner.writing import is_cased, like_a_name, of_a_firm, on_a_line_of_code

# A word this sure goes on with a name that one of its words makes sure.
_GOES_ON = 0.2
# Nothing stands between the characters of a script without blanks.
_JOINTS = frozenset(("", " ", "-", "'", "’", ". ", "\u00a0"))
# A name in Han and kana has fewer characters: what is longer is a sentence that the model did not understand.
_LONGEST_UNSPACED = 8
_SMALL = frozenset(
    ("de", "van", "von", "der", "den", "la", "le", "da", "di", "dos", "das", "du", "del", "della", "bin",
     "al", "el", "ten", "ter", "af", "av", "y", "e")
)  # fmt: skip
# Names in LLM traffic that are a product's or a maker's, and seldom a person's alone.
_PRODUCTS = frozenset((
    "claude", "gemini", "llama", "ollama", "mistral", "mixtral", "grok", "qwen",
    "bedrock", "copilot", "cohere", "anthropic", "openai", "chatgpt", "deepseek", "doubao",
    "cortana", "prometheus", "mitre",
))  # fmt: skip


def names(text: str, words: Sequence[Word], least: float) -> list[Entity]:
    """The names of persons in a text."""
    return [
        Entity(Kind.PERSON, run[0].start, run[-1].end, max(map(_share, run)))
        for run in _runs(text, words)
        if max(map(_share, run)) >= least and _is_a_person(text, run)
    ]


def _share(word: Word) -> float:
    return word.share(Meaning.NAME)


def _runs(text: str, words: Sequence[Word]) -> Iterator[list[Word]]:
    run: list[Word] = []
    for word in words:
        if _share(word) < _GOES_ON:
            continue
        joint = text[run[-1].end : word.start] if run else ""
        joined = joint in _JOINTS and bool(run)
        if not like_a_name(text, word) and not (joined and _may_be_small(text, word, joint)):
            continue
        if run and not joined:
            yield run
            run = []
        run.append(word)
    if run:
        yield run


def _may_be_small(text: str, word: Word, joint: str) -> bool:
    value = text[word.start : word.end]
    return value.isalpha() and (joint == "-" or value.lower() in _SMALL)


def _is_a_person(text: str, run: Sequence[Word]) -> bool:
    value = text[run[0].start : run[-1].end]
    if value.lower() in _PRODUCTS or of_a_firm(text, run[-1].end):
        return False
    if not is_cased(value[0]) and len(value) > _LONGEST_UNSPACED and " " not in value:
        return False
    return len(run) > 1 or _stands_for_a_person(text, run[0], value)


def _stands_for_a_person(text: str, word: Word, value: str) -> bool:
    """Whether one word alone may: no acronym, no letter, no type of a program."""
    if is_cased(value[0]) and (len(value) == 1 or value.isupper()):
        return False
    return not on_a_line_of_code(text, word)
