"""The page on Kubernetes: what its first commands make is what its Secrets are made of, and a CA that we take."""

import re
import shutil
import subprocess
from pathlib import Path

from midwatch.trust.given import check_given
from tests.docs.walking import DOCS, ROOT

_PAGE = (DOCS / "kubernetes.md").read_text()
_WITHIN_S = 60


def test_the_secrets_are_made_of_files_that_the_commands_before_make(tmp_path: Path) -> None:
    (block,) = re.findall(r"^    docker/make-secrets.*?(?=^\S)", _PAGE, re.MULTILINE | re.DOTALL)
    here, _, cluster = block.partition("    kubectl")
    (tmp_path / "docker").mkdir()
    shutil.copy(ROOT / "docker" / "make-secrets", tmp_path / "docker")
    subprocess.run(["sh", "-euc", here], cwd=tmp_path, check=True, capture_output=True, timeout=_WITHIN_S)
    made = tmp_path / "docker" / "secrets"
    named = re.findall(r"--(?:from-file=[\w-]+|cert|key)=(\S+)", cluster)
    assert len(named) == 8
    assert [name for name in named if not (made / name).read_bytes()] == []
    assert check_given([made / "tls.crt", made / "tls.key"]).chain == ()


def test_what_the_commands_make_is_ignored_by_git() -> None:
    assert "docker/secrets/" in (ROOT / ".gitignore").read_text().splitlines()
