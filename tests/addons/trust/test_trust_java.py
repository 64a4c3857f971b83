"""Java's own list: what is to be imported and deleted, and a real keytool that does it on a copy."""

import shutil
import subprocess
from pathlib import Path

import pytest

from midwatch.trust.authority import id_of
from midwatch.trust.java_store import java_steps, listing, present
from midwatch.trust.steps import Anchor
from tests.addons.trust.pki import Signer, signer

ONE = Anchor(id="0123456789ab", file=Path("/h/1.crt"), sha1="")
TWO = Anchor(id="ba9876543210", file=Path("/h/2.crt"), sha1="")


def told(*there: str, wanted: tuple[Anchor, ...] = (ONE, TWO)) -> list[str]:
    steps = [step.shown(am_root=True) for step in java_steps(wanted, there)]
    return [
        " ".join(word for word in step.split() if "midwatch" in word or word[:4] in ("-del", "-imp")) for step in steps
    ]


def test_what_is_missing_is_imported_and_what_was_retired_deleted() -> None:
    assert told() == ["-importcert midwatch-0123456789ab", "-importcert midwatch-ba9876543210"]
    assert told("midwatch-0123456789ab") == ["-importcert midwatch-ba9876543210"]
    assert told("midwatch-0123456789ab", "debian:midwatch-ba9876543210.pem") == []
    assert told("midwatch-ffffffffffff", wanted=(ONE,)) == [
        "-delete midwatch-ffffffffffff",
        "-importcert midwatch-0123456789ab",
    ]
    assert told("midwatch-0123456789ab", "debian:midwatch-0123456789ab.pem", wanted=()) == [
        "-delete midwatch-0123456789ab",
        "-delete debian:midwatch-0123456789ab.pem",
    ]


def test_only_ours_are_seen_in_a_listing() -> None:
    listed = (
        "midwatch-0123456789ab, Nov 26, 2026, trustedCertEntry,\nmidwatch-else, x\n"
        "debian:midwatch-ba9876543210.pem, Nov 26\nnot midwatch-0123456789ab,\n"
    )
    assert present(listed) == ("midwatch-0123456789ab", "debian:midwatch-ba9876543210.pem")


@pytest.mark.skipif(shutil.which("keytool") is None, reason="another language's runtime: Java")
def test_a_real_keytool_does_it(tmp_path: Path, root: Signer) -> None:
    store = ("-keystore", str(tmp_path / "cacerts"))
    anchors = []
    for item in (root, signer("second")):
        id_ = id_of(item.certificate)
        file = tmp_path / f"{id_}.crt"
        file.write_bytes(item.pem)
        anchors.append(Anchor(id=id_, file=file, sha1=""))

    def there() -> tuple[str, ...]:
        return present(subprocess.run(listing(store), capture_output=True, text=True, check=False).stdout)

    found: tuple[str, ...] = ()
    for wanted in (anchors[:1], anchors[1:], []):
        for step in java_steps(wanted, found, store):
            subprocess.run(step.words, check=True, capture_output=True)
        found = there()
        assert sorted(found) == sorted(item.name for item in wanted)
