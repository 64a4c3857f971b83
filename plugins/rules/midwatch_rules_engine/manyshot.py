"""Many-shot jailbreaks: one text that plays a long conversation, so that the model goes on in its manner (OWASP LLM01).

A transcript looks the same until its end: what is to be summed up is over, what is to be gone on with is open.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from midwatch_core import Direction, Finding, Segment, Severity
from midwatch_rules_engine.flooding import new_texts

_MOST_CHARACTERS = 200_000
_MOST_FINDINGS = 10
_TURN = re.compile(
    r"^[ \t>*#|<\[-]{0,8}(?:(?P<asks>user|human|question|q|customer|benutzer|mensch|frage|utilisateur|humain|usuario"
    r"|usuário|utente|用户|人类|ユーザー|사용자|пользователь)"
    r"|assistant|ai|bot|model|answer|a|gpt|chatgpt|claude|assistent|antwort|assistente|asistente|助手|アシスタント|어시스턴트"
    r"|ассистент)[ \t0-9]{0,6}[\]>|*]{0,4}[ \t]{0,4}[:：>]",
    re.IGNORECASE | re.MULTILINE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """A played conversation: its questions that are answered, whether its end is open, and where it stands."""

    shots: int
    is_open: bool
    start: int
    end: int


def many_shot(segments: Iterable[Segment], at_least: int) -> list[Finding]:
    """A finding for each new text of a request that plays `at_least` answered questions in a row."""
    found = []
    for segment in new_texts(tuple(segments)):
        played = longest_played(segment.text[:_MOST_CHARACTERS])
        if played is not None and played.shots >= at_least:
            found.append(_finding(segment, played))
    return found[:_MOST_FINDINGS]


def longest_played(text: str) -> Played | None:
    """The longest run of turns that take turns; None where nobody answers anybody."""
    best: Played | None = None
    run: list[re.Match[str]] = []
    for turn in _TURN.finditer(text):
        if run and (run[-1]["asks"] is None) == (turn["asks"] is None):
            best, run = _longer(best, run, text), []
        run.append(turn)
    return _longer(best, run, text)


def _longer(best: Played | None, run: list[re.Match[str]], text: str) -> Played | None:
    turns = run if not run or run[0]["asks"] else run[1:]
    shots = len(turns) // 2
    if not shots or (best is not None and best.shots >= shots):
        return best
    last = turns[-1]
    rest = text[last.end() :].strip()
    # Open: a question that nobody answered, or an answer that has not begun.
    return Played(shots=shots, is_open=bool(last["asks"]) == bool(rest), start=turns[0].start(), end=last.end())


def _finding(segment: Segment, played: Played) -> Finding:
    return Finding(
        id="",
        rule="midwatch/exchange/many-shot",
        category="jailbreak",
        severity=Severity.MEDIUM if played.is_open else Severity.LOW,
        confidence=0.6 if played.is_open else 0.3,
        message=f"One text plays a conversation of {played.shots} answered questions"
        + (", and asks to go on with it" if played.is_open else ""),
        owasp=("LLM01:2025",),
        direction=Direction.REQUEST,
        part=segment.part,
        path=segment.path,
        start=played.start,
        end=played.end,
    )
