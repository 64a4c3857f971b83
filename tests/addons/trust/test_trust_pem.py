"""Blocks of PEM: each with its label, whatever stands around them; what has no end costs no more than what has one."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from midwatch.trust.bundles import certificates_of
from midwatch.trust.pem import blocks, certificates_in
from midwatch.trust.pem_file import BUNDLE_MEGABYTES, read_pem
from midwatch_core.errors import ConfigError
from tests.addons.trust.pki import signer

MEGABYTE = 1024**2
# Of the processor's time, however busy the machine is: one walk takes a tenth of a second, the old way took minutes.
LONGEST_S = 30


def block(kind: str, text: str = "AAAA") -> bytes:
    return f"-----BEGIN {kind}-----\n{text}\n-----END {kind}-----".encode()


@contextmanager
def within_processor_time() -> Iterator[None]:
    """Raises TimeoutError in what takes longer."""

    def over(*_: object) -> None:
        raise TimeoutError(f"more than {LONGEST_S} seconds of the processor")

    before = signal.signal(signal.SIGVTALRM, over)
    signal.setitimer(signal.ITIMER_VIRTUAL, LONGEST_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def test_blocks_come_in_their_order_with_their_labels_and_without_the_words_between() -> None:
    one, other = block("CERTIFICATE"), block("EC PRIVATE KEY", "BBBB")
    assert blocks(b"subject: a\n" + one + b"\nand\r\n" + other + one) == [
        ("CERTIFICATE", one),
        ("EC PRIVATE KEY", other),
        ("CERTIFICATE", one),
    ]
    windows = one.replace(b"\n", b"\r\n")
    assert certificates_in(other + windows) == windows


@pytest.mark.parametrize(
    "before",
    [
        b"",
        b"-----BEGIN CERTIFICATE-----\nAAAA\n",
        b"-----END CERTIFICATE-----\n",
        b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END CERTIFICATE-----\n",
        b"-----BEGIN -----\n-----BEGIN " + b"A" * 41 + b"-----\n",
    ],
)
def test_a_half_block_is_none_and_takes_nothing_of_the_next(before: bytes) -> None:
    assert blocks(before + block("CERTIFICATE")) == [("CERTIFICATE", block("CERTIFICATE"))]
    assert blocks(before) == []


@pytest.mark.parametrize(
    "line",
    [
        b"-----BEGIN CERTIFICATE-----\n",
        b"-----BEGIN CERTIFICATE-----",
        b"-----BEGIN A-----\n-----END B-----\n",
        b"-----BEGIN " + b"A" * 40,
        b"-",
    ],
)
def test_a_megabyte_of_beginnings_is_walked_through_once(line: bytes) -> None:
    hostile = line * (MEGABYTE // len(line))
    own = signer("ours")
    with within_processor_time():
        assert blocks(hostile) == []
        assert list(certificates_of(hostile + b"\n" + own.pem)) == [own.certificate]


@pytest.mark.parametrize(
    ("megabytes", "says"), [(1, "more than a megabyte"), (BUNDLE_MEGABYTES, "more than 4 megabytes")]
)
def test_a_file_is_read_as_far_as_one_is_sensible(tmp_path: Path, megabytes: int, says: str) -> None:
    file = tmp_path / "ca.pem"
    with file.open("wb") as opened:
        opened.truncate(megabytes * MEGABYTE)
    assert len(read_pem(file, "x", megabytes=megabytes)) == megabytes * MEGABYTE
    with file.open("ab") as opened:
        opened.write(b"-")
    with pytest.raises(ConfigError, match=rf"^x: .*ca\.pem: {says}"):
        read_pem(file, "x", megabytes=megabytes)
