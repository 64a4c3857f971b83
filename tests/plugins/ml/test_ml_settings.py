"""The section `ml`: what it refuses, and what a model's process is told of it."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from midwatch_core import Part
from midwatch_ml.settings import DEFENDER, ModelSettings, Settings

COMMIT = "89b085cd330414d3e7d9dd787870f315957e1e9f"


def test_the_default_reads_what_people_outside_wrote_and_no_system_prompt() -> None:
    (model,) = Settings().models
    assert model is DEFENDER
    assert Part.SYSTEM not in model.where
    assert {Part.USER, Part.TOOL_RESULT, Part.DOCUMENT} == set(model.where)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        pytest.param({"source": "owner/name"}, "revision: owner/name is of a hub", id="no revision"),
        pytest.param({"source": "owner/name", "revision": "main"}, "40 hexadecimal digits", id="a branch"),
        pytest.param({"source": "package:../etc"}, "expected package:NAME/PATH", id="not a package"),
        pytest.param({"source": "package:a.b/c"}, "expected package:NAME/PATH", id="a module"),
        pytest.param({"source": "./m", "stride": 300}, "stride: 300 leaves gaps", id="gaps"),
        pytest.param({"source": "./m", "checksum": "abc"}, "checksum", id="no checksum"),
        pytest.param({"source": "./m", "backend": "keras"}, "backend", id="an unknown backend"),
        pytest.param({"source": "./m", "temperature": 0}, "temperature", id="no temperature"),
        pytest.param({"source": "./m", "id": "Two Words"}, "id", id="no name"),
        pytest.param({"source": ""}, "source", id="no source"),
    ],
)
def test_what_makes_no_sense_is_refused(given: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        ModelSettings.model_validate({"id": "mine", **given})


def test_two_models_of_one_name_are_refused() -> None:
    with pytest.raises(ValidationError, match="the id defender is there twice"):
        Settings(models=(DEFENDER, DEFENDER))


def test_a_relative_directory_is_in_the_home_and_nothing_else_is(tmp_path: Path) -> None:
    mine = ModelSettings(id="mine", source="./models/mine")
    assert mine.options(tmp_path)["source"] == str(tmp_path / "models/mine")
    assert ModelSettings(id="mine", source="/models/mine").folder(tmp_path) == Path("/models/mine")
    of_hub = ModelSettings(id="hub", source="owner/name", revision=COMMIT, backend="transformers")
    assert of_hub.folder(tmp_path) is None
    assert of_hub.options(tmp_path)["source"] == "owner/name"
    assert DEFENDER.folder(tmp_path) is None
