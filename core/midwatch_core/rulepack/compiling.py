"""From a rule as written to a rule that matches: RE2 patterns, folded keywords, context words."""

import hashlib
import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import re2

from midwatch_core.rulepack.errors import RulePackError
from midwatch_core.rulepack.pieces import Pieces, pieces_of
from midwatch_core.rulepack.schema import Context, PackHead, PackSpec, RuleSpec, Term

_BYTES = re.compile(r"(?<!\\)(?:\\\\)*\\C")


@dataclass(frozen=True, eq=False)
class Pattern:
    """One compiled RE2 pattern, and where to look for it."""

    source: str
    compiled: Any

    @cached_property
    def pieces(self) -> Pieces:
        """Found when first asked for: who only checks or lists rules needs none, and they cost more than compiling."""
        return pieces_of(self.source)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AllowPattern:
    """A compiled exception; `over` as in the schema."""

    pattern: Pattern
    over: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rule:
    """A compiled rule. `id` is the full id; `keywords` are case-folded; `context` matches its words."""

    id: str
    spec: RuleSpec
    keywords: tuple[str, ...]
    any: tuple[Pattern, ...]
    all: tuple[Pattern, ...]
    none: tuple[Pattern, ...]
    allow: tuple[AllowPattern, ...]
    context: Pattern | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pack:
    """A pack that can be used: its head, its compiled rules, and `digest`, the SHA-256 of its bytes in hex."""

    name: str
    head: PackHead
    rules: tuple[Rule, ...]
    digest: str

    @property
    def id(self) -> str:
        """The pack's id, the first half of its rules' ids."""
        return self.head.id


def compile_pack(spec: PackSpec, data: bytes, name: str) -> Pack:
    """The pack, compiled. Raises RulePackError for a pattern that RE2 refuses, and for a group that is not there."""
    rules = tuple(_compile_rule(rule, spec.pack.id, name) for rule in spec.rules)
    return Pack(name=name, head=spec.pack, rules=rules, digest=hashlib.sha256(data).hexdigest())


def re2_options(max_mem: int = 0) -> Any:
    """RE2's options as we want them: silent, and with `max_mem` bytes a pattern if given."""
    options = re2.Options()
    options.log_errors = False
    if max_mem:
        options.max_mem = max_mem
    return options


def _compile_rule(spec: RuleSpec, pack: str, name: str) -> Rule:
    where = f"{name}: rule {spec.id}"
    terms = {
        key: tuple(_term(term, f"{where}: match.{key}.{n}") for n, term in enumerate(getattr(spec.match, key)))
        for key in ("any", "all", "none")
    }
    _check_group(spec, terms["any"] or terms["all"][:1], where)
    allow = tuple(
        AllowPattern(pattern=_pattern(one.regex, f"{where}: allow.{n}.regex"), over=one.over)
        for n, one in enumerate(spec.allow)
    )
    context = _pattern(_words(spec.context), f"{where}: context") if spec.context else None
    return Rule(id=f"{pack}/{spec.id}", spec=spec, keywords=_keywords(spec), allow=allow, context=context, **terms)


def _keywords(spec: RuleSpec) -> tuple[str, ...]:
    """The rule's keywords; where it has none and looks for texts alone, those texts are as good."""
    words = spec.keywords
    if not words and spec.match.any and all(term.text for term in spec.match.any):
        words = tuple(term.text for term in spec.match.any if term.text)
    return tuple(sorted({word.casefold() for word in words}))


def _term(term: Term, where: str) -> Pattern:
    if term.regex is not None:
        return _pattern(term.regex, f"{where}.regex")
    return _pattern("(?i)" + re2.escape(term.text), f"{where}.text")


def _pattern(source: str, where: str) -> Pattern:
    if _BYTES.search(source):
        raise RulePackError(f"{where}: \\C matches half a character: not allowed")
    try:
        compiled = re2.compile(source, re2_options())
    except (re2.error, UnicodeEncodeError) as error:
        raise RulePackError(f"{where}: RE2 refuses it: {_reason(error)}") from error
    if compiled.match(b"") is not None:
        raise RulePackError(f"{where}: it matches the empty text")
    return Pattern(source, compiled)


def _reason(error: Exception) -> str:
    first = error.args[0] if error.args else error
    text = first.decode("utf-8", "replace") if isinstance(first, bytes) else str(error)
    return " ".join(text.split())[:200]


def _check_group(spec: RuleSpec, found_by: tuple[Pattern, ...], where: str) -> None:
    for pattern in found_by:
        if spec.group > pattern.compiled.groups:
            raise RulePackError(f"{where}: group: {spec.group}, but a pattern has {pattern.compiled.groups}")


def _words(context: Context) -> str:
    """One pattern of all context words; ASCII words stand alone, other scripts need no spaces around them."""
    return "(?i)(?:" + "|".join(sorted(_whole(word) for word in context.words)) + ")"


def _whole(word: str) -> str:
    before = r"(?:^|[^\p{L}\p{N}])" if word[0].isascii() and word[0].isalnum() else ""
    after = r"(?:$|[^\p{L}\p{N}])" if word[-1].isascii() and word[-1].isalnum() else ""
    return f"{before}{re2.escape(word)}{after}"
