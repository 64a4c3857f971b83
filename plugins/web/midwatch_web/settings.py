"""The section `web`: what the console's own settings are."""

import re

from pydantic import Field, field_validator

from midwatch_core import Section

_REFERENCE = re.compile(r"\$\{[^}]+\}")


class WebSettings(Section):
    """The console, REST and /metrics."""

    scrape_token: str | None = Field(
        None,
        description="What a scraper shows as `Authorization: Bearer …` at /metrics, and nowhere else; a secret, so"
        " ${VARIABLE} or ${file:PATH}.",
    )

    @field_validator("scrape_token")
    @classmethod
    def _only_a_reference(cls, value: str | None) -> str | None:
        if value is not None and _REFERENCE.fullmatch(value) is None:
            raise ValueError("a secret is not written here; write ${VARIABLE} or ${file:PATH}")
        return value
