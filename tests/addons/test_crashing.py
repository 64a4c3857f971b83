"""A crash tells where, and no secret; it leaves no core file."""

import subprocess
import sys

SETTING_UP = """
import resource, sys, threading
from midwatch.logs import set_up_logs
from midwatch_core.secret_text import resolve_secrets
set_up_logs("test")
url = resolve_secrets("redis://u:${PLANTED}@h", key="storage.cache", environ={"PLANTED": "planted-77aa1c"})
"""


def crash(how: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", SETTING_UP + how], capture_output=True, text=True, timeout=60, check=False
    )


def test_an_exception_nobody_caught() -> None:
    done = crash("raise OSError(f'cannot reach {url}')")
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert "OSError: cannot reach redis://u:***@h" in done.stderr
    assert "planted-77aa1c" not in done.stderr


def test_an_exception_in_a_thread() -> None:
    done = crash("t = threading.Thread(target=lambda: int(url)); t.start(); t.join()")
    assert "ValueError: invalid literal" in done.stderr
    assert "planted-77aa1c" not in done.stderr


def test_a_traceback_in_the_log() -> None:
    done = crash("import logging\ntry:\n    int(url)\nexcept ValueError:\n    logging.exception('at %s', url)")
    assert "at redis://u:***@h" in done.stderr
    assert "ValueError: invalid literal" in done.stderr
    assert "planted-77aa1c" not in done.stderr


def test_no_core_file_is_left() -> None:
    done = crash("print(resource.getrlimit(resource.RLIMIT_CORE)[0])")
    assert done.stdout.strip() == "0"


def test_a_hook_that_somebody_has_set_stays() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import sys\nsys.excepthook = lambda *_: print('mine')" + SETTING_UP + "raise OSError"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.strip() == "mine"
