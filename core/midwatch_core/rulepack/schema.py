"""The words of a rule pack's YAML: one model a block, unknown keys are errors."""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from midwatch_core.model.finding import Severity
from midwatch_core.model.segment import Part

_Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_.-]*$", max_length=100)]
_PackId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_./-]*$", max_length=100)]
_Owasp = Annotated[str, StringConstraints(pattern=r"^(LLM(0[1-9]|10):20\d\d|A(0[1-9]|10):20\d\d|ASI\d\d:20\d\d)$")]
_Word = Annotated[str, StringConstraints(min_length=1, max_length=200)]
_Regex = Annotated[str, StringConstraints(min_length=1, max_length=5_000)]
_Example = Annotated[str, StringConstraints(min_length=1, max_length=20_000)]


class _Block(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PackHead(_Block):
    """Who the pack is. `engine` is the least version of the pack format it needs, such as `>=1`."""

    id: _PackId
    version: int = Field(ge=1)
    engine: str = Field(">=1", pattern=r"^>=\d{1,4}$")
    license: str = Field(min_length=1, max_length=100)


class Term(_Block):
    """One thing to look for: an RE2 `regex`, or a `text` (whatever its case)."""

    regex: _Regex | None = None
    text: _Word | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.regex is None) == (self.text is None):
            raise ValueError("give either regex or text")
        return self


class Match(_Block):
    """When a rule holds: `any` of these (if given), `all` of these (if given) and `none` of these, in one view.

    What is found is where the terms of `any` match; without `any`, where the first of `all` does.
    """

    any: tuple[Term, ...] = Field((), max_length=200)
    all: tuple[Term, ...] = Field((), max_length=50)
    none: tuple[Term, ...] = Field((), max_length=50)

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.any and not self.all:
            raise ValueError("any or all needs at least one term")
        return self


class Allow(_Block):
    """A match that is fine, and why.

    `over` is where `regex` is looked for: in the match itself, `near` it (80 code points on each side), or in the
    whole text (which lets a text excuse itself: rarely right).
    """

    regex: _Regex
    reason: str = Field(min_length=1, max_length=300)
    over: Literal["match", "near", "text"] = "near"


class Context(_Block):
    """Words that make a match likelier when they stand within so many code points of it, whole and in any case.

    With `needed`, there is no match without one.
    """

    words: tuple[_Word, ...] = Field(min_length=1, max_length=300)
    within: int = Field(60, ge=1, le=500)
    boost: float = Field(0.3, ge=0, le=1)
    needed: bool = False


class Examples(_Block):
    """Texts that the rule must find something in, and texts that it must not: checked by the pack's self-test."""

    match: tuple[_Example, ...] = Field(min_length=1, max_length=200)
    pass_: tuple[_Example, ...] = Field(min_length=1, max_length=200, alias="pass")


class RuleSpec(_Block):
    """One rule as written. Its full id is `pack/rule`, stable for ever; a deprecated rule no longer fires."""

    id: _Slug
    title: str = Field(min_length=1, max_length=200)
    severity: Severity
    confidence: float = Field(gt=0, le=1)
    maturity: Literal["sandbox", "incubating", "stable", "deprecated"] = "incubating"
    category: str = Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)
    owasp: tuple[_Owasp, ...] = Field(min_length=1, max_length=10)
    where: tuple[Part, ...] = Field(
        (), description="Parts it is for; all, if not given. `document` is `embedding_input` too."
    )
    keywords: tuple[_Word, ...] = Field(
        (), max_length=300, description="One of these must be in the text, in any case, before patterns are tried."
    )
    match: Match
    allow: tuple[Allow, ...] = Field((), max_length=50)
    examples: Examples
    kind: str = Field("", pattern=r"^([A-Z][A-Z0-9_]{0,39})?$", description="Name of the placeholder it is masked by.")
    group: int = Field(0, ge=0, le=50, description="The capture group that is the finding; 0 is the whole match.")
    validate_: str = Field("", alias="validate", max_length=60, description="A check that the plugin brings.")
    context: Context | None = None
    views: Literal["all", "plain", "original"] = Field(
        "all", description="plain: as written and normalised, nothing decoded; original: as written alone."
    )


class PackSpec(_Block):
    """A pack as written."""

    pack: PackHead
    rules: tuple[RuleSpec, ...] = Field(min_length=1, max_length=2_000)


def pack_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of a pack, for editors."""
    schema = PackSpec.model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "Midwatch rule pack"}
