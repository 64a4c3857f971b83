"""Calibrations on file: what a home keeps, takes into use and takes back; hostile files."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midwatch_core import ConfigError
from midwatch_ensemble.calibration import read_calibration, written
from midwatch_ensemble.fusion import OperatingPoint
from midwatch_ensemble.shelf import SHIPPED, Shelf, shipped
from tests.plugins.ensemble.evidence_made import ALONE, CALIBRATION, WITH_A_MODEL


def test_what_is_written_is_read_again() -> None:
    assert read_calibration(written(CALIBRATION)) == CALIBRATION


def test_the_shipped_one_can_do_without_a_model_and_orders_its_points() -> None:
    calibration = shipped()

    assert calibration.made_for(["rules", "lexicon"]).voters == ("rules", "lexicon")
    for made in calibration.fits:
        at = made.thresholds
        assert at[OperatingPoint.HIGH_RECALL] < at[OperatingPoint.BALANCED] < at[OperatingPoint.HIGH_PRECISION]


@pytest.mark.parametrize(
    ("voters", "made"),
    [
        (["rules", "lexicon"], ALONE),
        (["rules", "lexicon", "stranger"], ALONE),
        (["rules", "lexicon", "defender/main", "stranger"], WITH_A_MODEL),
        (["rules"], ALONE),
    ],
    ids=["no model", "an unknown model", "a known and an unknown one", "no lexicon"],
)
def test_the_fit_with_most_voters_that_have_spoken_is_used(voters: list[str], made: object) -> None:
    assert CALIBRATION.made_for(voters) == made


def test_a_version_is_taken_into_use_and_back(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    assert shelf.current() == shipped()

    shelf.add(CALIBRATION)
    shelf.add(CALIBRATION.model_copy(update={"version": "test-2"}))
    shelf.use("test-1")
    assert Shelf(tmp_path).current() == CALIBRATION
    shelf.use(SHIPPED)

    assert shelf.current() == shipped()
    assert set(shelf.versions()) == {"test-1", "test-2"}


def test_no_version_is_overwritten(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    shelf.add(CALIBRATION)

    with pytest.raises(ConfigError, match="there is a calibration test-1 already"):
        shelf.add(CALIBRATION)


@pytest.mark.parametrize("version", ["never-made", "../../secrets", "..", "a/b"])
def test_an_unknown_version_is_refused_with_those_there_are(tmp_path: Path, version: str) -> None:
    shelf = Shelf(tmp_path)
    shelf.add(CALIBRATION)

    with pytest.raises(ConfigError, match="there are shipped, test-1"):
        shelf.use(version)
    assert shelf.in_use() == SHIPPED


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{}",
        b"\xff\xfe",
        written(CALIBRATION).replace(b'"balanced"', b'"brave"'),
        written(CALIBRATION.model_copy(update={"fits": (WITH_A_MODEL,)})),
        written(CALIBRATION).replace(b"-1.2", b"NaN"),
        b"[" * 100_000,
        b" " * 2_000_000,
    ],
    ids=[
        "empty",
        "a list",
        "nothing in it",
        "no text",
        "an unknown point",
        "none without a model",
        "no number",
        "nested",
        "endless",
    ],
)
def test_a_file_that_is_no_calibration_is_named_with_what_is_wrong(tmp_path: Path, data: bytes) -> None:
    shelf = Shelf(tmp_path)
    path = shelf.add(CALIBRATION)
    path.write_bytes(data)

    with pytest.raises(ConfigError, match=r"test-1\.json: "):
        shelf.read("test-1")


@given(data=st.binary(max_size=200))
def test_no_bytes_but_a_calibration_s_are_one(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"^[^\n]+$"):
        read_calibration(data)
