"""The section `ml`: which models, where their files are, and what of a call they read."""

import re
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from midwatch_core import Json, Part, Section

# The weights that come with the extra `ml`: the SHA-256 of the file whose scores our calibrations are made of.
DEFENDER_SOURCE = "package:stackone_defender/models/minilm-multihead-v5"
DEFENDER_CHECKSUM = "3d4a1ba798c395c140202992c50e6c8de02fb1b9bd5aba6540848705b9c1e92c"
PACKAGE = "package:"
_COMMIT = re.compile(r"[0-9a-f]{40}")
# Texts that people outside write. What an application's operator says to its model is asked about only where named.
_UNTRUSTED = (Part.USER, Part.TOOL_RESULT, Part.DOCUMENT)


class ModelSettings(Section):
    """One model. A directory has `config.json`, `tokenizer.json` and the weights."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$", description="Its name in votes, findings and metrics.")
    backend: Literal["onnx", "transformers"] = Field("onnx", description="What runs it.")
    source: str = Field(
        min_length=1,
        description="A directory, `package:NAME/PATH` (data of an installed package), or a hub id (`owner/name`).",
    )
    revision: str | None = Field(None, description="For a hub id: the commit, 40 hexadecimal digits.")
    checksum: str | None = Field(
        None, pattern=r"^[0-9a-f]{64}$", description="SHA-256 of the weights; other weights are not loaded."
    )
    injection_label: str = Field("INJECTION", description="Which of the model's labels means an injection.")
    temperature: float | None = Field(
        None, gt=0, le=100, description="Logits are divided by it; the model's own calibration, or 1, if not given."
    )
    threshold: float = Field(0.95, gt=0, le=1, description="From this probability on it is a finding.")
    shadow: bool = Field(False, description="Only score and compare: no findings, no votes.")
    where: tuple[Part, ...] = Field(_UNTRUSTED, description="Parts of a call that it reads.")
    max_windows: int = Field(8, ge=1, le=64, description="Windows that are read of a text, at most.")
    window: int = Field(256, ge=16, le=8192, description="Tokens of a window.")
    stride: int = Field(192, ge=8, le=8192, description="Tokens from one window to the next.")
    fold: bool = Field(True, description="Read text as compatibility characters (NFKC), without invisible ones.")
    calibration: Path | None = Field(
        None, description="File of `ml evaluate --histogram`: the scores that drift is measured against."
    )

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if self.stride > self.window:
            raise ValueError(f"stride: {self.stride} leaves gaps between windows of {self.window} tokens")
        if self.is_hub_id and not _COMMIT.fullmatch(self.revision or ""):
            raise ValueError(
                f"revision: {self.source} is of a hub: name the commit, 40 hexadecimal digits"
                "; a directory begins with / or ./"
            )
        if self.source.startswith(PACKAGE) and not re.fullmatch(r"package:\w+(/[\w.-]+)*", self.source):
            raise ValueError("source: expected package:NAME/PATH, such as " + DEFENDER_SOURCE)
        return self

    @property
    def is_hub_id(self) -> bool:
        """Whether the source is the name of a model of a hub. A directory begins with `/`, `.` or `~`."""
        return bool(re.fullmatch(r"[\w-][\w.-]*/[\w.-]+", self.source))

    def folder(self, home: Path) -> Path | None:
        """The directory that the source names; a relative one is in the home. None where it names something else."""
        if self.is_hub_id or self.source.startswith(PACKAGE):
            return None
        return home / Path(self.source).expanduser()

    def options(self, home: Path) -> dict[str, Json]:
        """What the model's process is told."""
        folder = self.folder(home)
        return {
            "id": self.id,
            "source": self.source if folder is None else str(folder),
            "revision": self.revision,
            "checksum": self.checksum,
            "injection_label": self.injection_label,
            "temperature": self.temperature,
            "max_windows": self.max_windows,
            "window": self.window,
            "stride": self.stride,
            "fold": self.fold,
        }


DEFENDER = ModelSettings(id="defender", source=DEFENDER_SOURCE, checksum=DEFENDER_CHECKSUM)


class Settings(Section):
    """The section `ml`."""

    models: tuple[ModelSettings, ...] = Field(
        (DEFENDER,), max_length=8, description="The models; the default is the one that comes with the extra `ml`."
    )
    ready_within_s: float = Field(
        60.0, ge=0, description="From start on, readiness waits so long for models to be loaded."
    )

    @field_validator("models")
    @classmethod
    def _are_apart(cls, models: tuple[ModelSettings, ...]) -> tuple[ModelSettings, ...]:
        ids = [model.id for model in models]
        if twice := sorted({one for one in ids if ids.count(one) > 1}):
            raise ValueError(f"the id {twice[0]} is there twice")
        return models
