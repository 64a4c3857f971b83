"""The section `rules`: what a call may ask for before its sizes are a finding. The defaults let agents work."""

from pydantic import Field

from midwatch_core import Section


class Bounds(Section):
    """Bounds of the exchange detectors; null switches one off."""

    output_tokens: int | None = Field(
        400_000, gt=0, description="Output tokens a call may ask for, over all its candidates; null is no bound."
    )
    candidates: int | None = Field(
        32, gt=0, description="Answers a call may ask for at once (`n`, `candidateCount`); null is no bound."
    )
    request_characters: int | None = Field(
        4_000_000, gt=0, description="Text a request may carry, in characters; null is no bound."
    )
    tools: int | None = Field(512, gt=0, description="Tools a request may offer; null is no bound.")
    filler_characters: int | None = Field(
        20_000, ge=1000, description="Filler a new text may carry, in characters; null never looks for it."
    )
    shots: int | None = Field(
        32, ge=4, description="Answered questions in a row that one new text may play; null never counts them."
    )
    leaked_words: int | None = Field(
        12, ge=12, description="Words of the system text in a row that an answer may not repeat; null never looks."
    )
    tool_changes: bool = Field(True, description="Whether tools are remembered, so that a changed one is a finding.")
