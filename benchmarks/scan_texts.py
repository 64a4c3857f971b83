"""Texts for the detectors to read: such as people and programs send, and such as are made to cost the most."""

from __future__ import annotations

import argparse
import inspect
import json
import json.decoder
import random
import string
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache

from midwatch_core import Pack, load_pack
from midwatch_rules import resources
from midwatch_secrets.plugin import shipped_packs

# Words of rules that come up in ordinary talk about work, code and models.
_SENTENCES = (
    "The committee met on Tuesday to review the plans for the new library, and most of the members agreed with them.",
    "Could you summarise the attached report in three short paragraphs and say what is still open?",
    "She walked along the river until the lights of the town went on, then turned back towards the station.",
    "Our customers asked for a way to export their invoices, so we added a button below the table.",
    "When the test fails, read the log first, then follow the steps in the guide to see which rule was broken.",
    "I would like to change the delivery address of my order; it should go to the office instead of my home.",
    "The model answers in a friendly tone and never forgets to mention the sources that it has used.",
    "In the previous chapter the author describes how the system works; this one is about what it costs.",
    "Please ignore the spelling mistakes, they are part of the original letters from the nineteenth century.",
    "Prices went up by about four per cent a year, which is less than what most people had expected.",
)
_TONGUES = (
    "Der Ausschuss traf sich am Dienstag, um die Pläne für die neue Bücherei zu prüfen, und fast alle stimmten zu.",
    "Pourriez-vous résumer le rapport ci-joint en trois courts paragraphes et dire ce qui reste à décider ?",
    "Caminó junto al río hasta que se encendieron las luces del pueblo y luego volvió hacia la estación.",
    "Nossos clientes pediram uma maneira de exportar as faturas, então adicionamos um botão abaixo da tabela.",
    "Когда тест не проходит, сначала прочитайте журнал, а потом следуйте шагам из руководства.",
    "委员会星期二开会审查新图书馆的计划，大多数成员都同意。请把附件中的报告总结成三个短段落。",
    "テストが失敗したら、まずログを読み、それからガイドの手順に従ってください。",
    "고객들이 송장을 내보내는 방법을 요청해서 표 아래에 버튼을 추가했습니다.",
    "اجتمعت اللجنة يوم الثلاثاء لمراجعة خطط المكتبة الجديدة ووافق معظم الأعضاء عليها.",
    "समिति ने मंगलवार को नए पुस्तकालय की योजनाओं की समीक्षा की और अधिकांश सदस्य सहमत हुए।",
    "Συναντήθηκαν την Τρίτη για να εξετάσουν τα σχέδια της νέας βιβλιοθήκης.",
    "คณะกรรมการประชุมเมื่อวันอังคารเพื่อพิจารณาแผนของห้องสมุดใหม่",
)
_WORDS = (
    "order",
    "invoice",
    "status",
    "pending",
    "shipped",
    "paid",
    "total",
    "item",
    "price",
    "note",
    "user",
    "team",
    "error",
)

type Make = Callable[[random.Random], Iterator[str]]


def english(chance: random.Random) -> Iterator[str]:
    """Prose, a paragraph now and then."""
    while True:
        yield chance.choice(_SENTENCES) + chance.choice((" ", " ", " ", "\n\n"))


def tongues(chance: random.Random) -> Iterator[str]:
    """Prose in many languages and scripts."""
    while True:
        yield chance.choice(_TONGUES) + chance.choice((" ", "\n"))


def code(chance: random.Random) -> Iterator[str]:
    """Sources of Python's own library."""
    files = [inspect.getsource(module) for module in (argparse, random, string, json.decoder, inspect)]
    while True:
        yield chance.choice(files)


def records(chance: random.Random) -> Iterator[str]:
    """JSON as interfaces answer it: numbers, times, identifiers."""
    while True:
        record = {
            "id": chance.randrange(10**6),
            "uuid": "".join(chance.choices("0123456789abcdef", k=32)),
            "created_at": f"2026-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}T10:{chance.randint(10, 59)}:00Z",
            "status": chance.choice(_WORDS),
            "amount": round(chance.random() * 1000, 2),
            "tags": chance.choices(_WORDS, k=3),
            "owner": {"name": "Kim Reed", "team": chance.choice(_WORDS), "active": True},
        }
        yield json.dumps(record, indent=chance.choice((None, 2))) + ",\n"


def transcript(chance: random.Random) -> Iterator[str]:
    """What a coding agent sends again each turn: commands, listings, files, edits, prose."""
    source, said, data = code(chance), english(chance), records(chance)
    while True:
        path = f"src/{chance.choice(_WORDS)}/{chance.choice(_WORDS)}.py"
        yield f"I'll look at {path} first.\n$ grep -n 'def {chance.choice(_WORDS)}' {path}\n"
        at = chance.randrange(4000)
        yield from (f"{n:5}\t{line}\n" for n, line in enumerate(next(source)[at : at + 900].splitlines(), at))
        yield f"-rw-r--r-- 1 dev dev {chance.randrange(10**5)} Mar  3 10:{chance.randint(10, 59)} {path}\n"
        yield next(said) + next(data)


@cache
def rule_packs() -> tuple[Pack, ...]:
    """All packs that come with Midwatch, the secrets' too."""
    own = [load_pack(one.path.read_bytes(), one.name, budget_s=None) for one in resources() if one.kind == "rules"]
    return (*own, *shipped_packs())


def examples(packs: Iterable[Pack]) -> list[str]:
    """What the packs' rules must find."""
    return sorted({one for pack in packs for rule in pack.rules for one in rule.spec.examples.match})


def keywords(packs: Iterable[Pack]) -> list[str]:
    """What makes the packs' patterns worth trying."""
    return sorted({word for pack in packs for rule in pack.rules for word in rule.keywords})


def attacks(chance: random.Random) -> Iterator[str]:
    """Attacks of all kinds, one behind the other, each a little changed."""
    known = examples(pack for pack in rule_packs() if not pack.id.startswith("secrets/"))
    while True:
        yield _changed(chance.choice(known), chance) + chance.choice((" ", "\n"))


def half_matches(chance: random.Random) -> Iterator[str]:
    """Beginnings of what rules look for."""
    known = examples(rule_packs())
    while True:
        one = chance.choice(known)
        yield one[: chance.randrange(len(one) // 2, len(one))] + " "


def key_words(chance: random.Random) -> Iterator[str]:
    """The rules' keywords in disorder."""
    known = keywords(rule_packs())
    while True:
        yield chance.choice(known) + " "


def secrets(chance: random.Random) -> Iterator[str]:
    """Strings in the shapes of keys, some right, most not."""
    known = [one for one in examples(pack for pack in rule_packs() if pack.id.startswith("secrets/")) if len(one) < 400]
    while True:
        yield _changed(chance.choice(known), chance) + "\n"


def digits(chance: random.Random) -> Iterator[str]:
    """Dates, times, numbers of phones, cards, accounts, addresses of machines: digits everywhere."""
    shapes = (
        *("+dd ddd ddddddd", "(ddd) ddd-dddd", "dddd dddd dddd dddd", "dd.dd.dddd", "dddd-dd-dd", "ddd-dd-dddd"),
        *(
            "ddd.ddd.d.dd",
            "DEdd dddd dddd dddd dddd dd",
            "ddddddddd",
            "dd:dd:dd:dd:dd:dd",
            "phone ddd ddd",
            "card dddd",
        ),
    )
    while True:
        yield "".join(str(chance.randrange(10)) if c == "d" else c for c in chance.choice(shapes)) + chance.choice(
            " ,\n"
        )


def marks(chance: random.Random) -> Iterator[str]:
    """Nothing but combining marks."""
    while True:
        yield "".join(chr(chance.randrange(0x300, 0x36F)) for _ in range(64))


def one_line(chance: random.Random) -> Iterator[str]:
    """One word without an end, of letters and digits."""
    letters = string.ascii_letters + string.digits
    while True:
        yield "".join(chance.choices(letters, k=64))


def _changed(text: str, chance: random.Random) -> str:
    """Two words left out or doubled, two characters replaced."""
    words = text.split(" ")
    for _ in range(2):
        at = chance.randrange(len(words))
        words[at] = chance.choice(("", words[at] + " " + words[at]))
    made = list(" ".join(words))
    for _ in range(2):
        if made:
            made[chance.randrange(len(made))] = chance.choice(string.ascii_lowercase + string.digits)
    return "".join(made)


FRIENDLY: Mapping[str, Make] = {
    "English": english,
    "code": code,
    "JSON": records,
    "transcript": transcript,
    "many languages": tongues,
}
HOSTILE: Mapping[str, Make] = {
    "attacks": attacks,
    "half matches": half_matches,
    "keywords": key_words,
    "secrets": secrets,
    "digits": digits,
    "marks": marks,
    "one line": one_line,
}


def text_of(make: Make, size: int, seed: int) -> str:
    """A text of so many bytes (of UTF-8, or a few less), the same one for the same seed."""
    pieces: list[bytes] = []
    left = size
    for piece in make(random.Random(seed)):  # for looks
        pieces.append(piece.encode())
        left -= len(pieces[-1])
        if left <= 0:
            break
    return b"".join(pieces)[:size].decode(errors="ignore")
