"""A home without a CA, and a company's root with an intermediate below it."""

from pathlib import Path

import pytest

from midwatch.home import Home
from midwatch.trust.authority import Authority
from midwatch.trust.making import new_authority
from tests.addons.trust.pki import Signer, signer


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path / "home")
    made.prepare()
    return made


@pytest.fixture(scope="session")
def made() -> Authority:
    """As a first start makes it: that takes a while, and once is enough."""
    return new_authority()


@pytest.fixture(scope="session")
def root() -> Signer:
    return signer("Acme root")


@pytest.fixture(scope="session")
def intermediate(root: Signer) -> Signer:
    return signer("Acme proxies", root, path_length=0)
