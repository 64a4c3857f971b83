"""The plugin: the packs of this distribution, their validators, and what the user allows."""

from importlib.resources import files

import re2
from pydantic import Field, field_validator

from midwatch_core import Detection, Pack, Part, RuleSet, Section, Text, hookimpl, load_pack
from midwatch_secrets.allowlist import Allowlist
from midwatch_secrets.strongest import strongest
from midwatch_secrets.validators import DEFAULT_ENTROPY, validators

_SUFFIX = ".rules.yaml"


class Secrets:
    """Keys, passwords, tokens and private keys in texts."""

    class Config(Section):
        """The section `secrets`."""

        entropy: float = Field(
            DEFAULT_ENTROPY,
            ge=0,
            le=8,
            description="Least bits a character of a value that only its variable's name makes a secret.",
        )
        allow_hashes: tuple[str, ...] = Field((), description="SHA-256 (hex) of values that are no secrets.")
        allow: tuple[str, ...] = Field((), description="RE2 patterns of whole values that are no secrets.")

        @field_validator("allow_hashes")
        @classmethod
        def _hashes(cls, value: tuple[str, ...]) -> tuple[str, ...]:
            for item in value:
                if len(item) != 64 or not set(item.lower()) <= set("0123456789abcdef"):
                    raise ValueError(f"{item!r} is no SHA-256 in hex (64 characters)")
            return value

        @field_validator("allow")
        @classmethod
        def _patterns(cls, value: tuple[str, ...]) -> tuple[str, ...]:
            for item in value:
                try:
                    re2.compile(item)
                except re2.error as error:
                    raise ValueError(f"{item!r} is no RE2 pattern: {error}") from error
            return value

    def __init__(self, config: Config | None = None) -> None:
        config = config or self.Config()
        self._allowed = Allowlist(config.allow_hashes, config.allow)
        self._entropy = config.entropy
        self._rules: RuleSet | None = None

    @hookimpl
    def inspect_text(self, text: Text, part: Part) -> list[Detection]:
        """Secrets in one text; `start` and `end` are code points of its original."""
        found = self._ready().match(text, part)
        return [d for d in strongest(found) if not self._allowed.has(text.original[d.start : d.end])]

    def _ready(self) -> RuleSet:
        """Compiled when first needed: control and CLI processes that inspect nothing do not pay for it."""
        if self._rules is None:
            self._rules = RuleSet(shipped_packs(), validators=validators(self._entropy))
        return self._rules


def shipped_packs() -> list[Pack]:
    """The packs of this distribution. They are timed on hostile text by their test, not at each start."""
    folder = files(__package__ or "midwatch_secrets") / "packs"
    named = sorted((item for item in folder.iterdir() if item.name.endswith(_SUFFIX)), key=lambda item: item.name)
    return [load_pack(item.read_bytes(), item.name, budget_s=None) for item in named]
