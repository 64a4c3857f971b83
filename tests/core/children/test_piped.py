"""A process as its owner sees it: whatever it does, it ends, and nothing of it is left with the owner."""

import asyncio
import gc
import os
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from midwatch_core.children.errors import ChildLostError, Ending
from midwatch_core.children.frames import pack
from midwatch_core.children.piped import PipedChild

_MANY = 1 << 40
# Says back what it is told.
ECHO = """
import os, struct
while head := os.read(0, 8):
    rest = sum(struct.unpack(">II", head))
    os.write(1, head + os.read(0, rest))
"""
FLOODS = "import os\nwhile True: os.write(1, bytes(100_000))"
STARTS_ANOTHER = 'import os, subprocess; subprocess.Popen(["sleep", "600"]); os._exit(5)'
STARTS_ANOTHER_APART = STARTS_ANOTHER.replace('"600"]', '"20"], start_new_session=True')
SAYS_ITS_ENVIRONMENT = (
    'import json, os, struct\nsaid = json.dumps({"x": os.environ["X"], "home": "PATH" in os.environ}).encode()\n'
    'os.write(1, struct.pack(">II", len(said), 0) + said)'
)


@asynccontextmanager
async def child_of(program: str, **wishes: object) -> AsyncIterator[PipedChild]:
    """A process of this program; that nothing is left of it is seen at the end."""
    gc.collect()  # what tests before this one left is not its fault
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ResourceWarning)
        child = await PipedChild.start(["-c", program], name="child", most_bytes=_MANY, **wishes)  # type: ignore[arg-type]
        try:
            yield child
        finally:
            await child.kill()
        assert not child.lives
        assert asyncio.all_tasks() == {asyncio.current_task()}
        del child
        await asyncio.sleep(0)
        gc.collect()
    assert [str(item.message) for item in caught if issubclass(item.category, ResourceWarning)] == []


async def test_it_is_told_and_asked() -> None:
    async with child_of(ECHO) as child:
        for word in ("a", "b"):
            assert await child.ask(pack({"word": word}), 120.0) == {"word": word}
        assert child.lives
        await child.close()


async def test_it_gets_the_owners_environment_and_more() -> None:
    async with child_of(SAYS_ITS_ENVIRONMENT, environment={"X": "1"}) as child:
        assert await child.next(120.0) == {"x": "1", "home": True}


@pytest.mark.parametrize(
    ("program", "ending", "says"),
    [
        ("import time; time.sleep(600)", Ending.HANG, "no answer within 0.3 s"),
        (FLOODS, Ending.CRASH, "the process spoke nonsense"),
        ("import os, time; os.close(1); time.sleep(600)", Ending.CRASH, "the process hung up"),
        ("import sys; sys.exit(7)", Ending.CRASH, "exit code 7"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", Ending.CRASH, "SIGSEGV"),
        (STARTS_ANOTHER, Ending.HANG, "no answer"),
        (STARTS_ANOTHER_APART, Ending.HANG, "no answer"),
    ],
    ids=["hangs", "floods", "hangs up", "ends", "is killed", "leaves another with its pipes", "and in a session apart"],
)
async def test_one_that_is_lost_says_how_and_leaves_nothing(program: str, ending: Ending, says: str) -> None:
    async with child_of(program) as child:
        with pytest.raises(ChildLostError, match=says) as lost:
            await child.next(0.3 if ending is Ending.HANG else 120.0)
        assert lost.value.ending is ending


async def test_an_answer_that_is_too_long_is_refused_before_it_is_read() -> None:
    async with child_of(ECHO, longest_bytes=100) as child:
        with pytest.raises(ChildLostError, match="nonsense"):
            await child.ask(pack({"word": "x" * 1000}), 120.0)


async def test_one_that_swells_is_lost() -> None:
    program = "import time\nkept = bytearray(b'x') * (64 << 20)\ntime.sleep(600)"
    child = await PipedChild.start(["-c", program], name="child", most_bytes=40 << 20)
    with pytest.raises(ChildLostError, match="more than 40 MB") as lost:
        await child.next(120.0)
    assert lost.value.ending is Ending.MEMORY
    await child.kill()


async def test_what_it_started_ends_with_it() -> None:
    program = 'import subprocess\nprint(subprocess.Popen(["sleep", "600"]).pid, flush=True)\ninput()'
    child = await PipedChild.start(["-c", program], name="child", most_bytes=_MANY)
    pid = int(await child._reader.readline())
    await child.kill()
    async with asyncio.timeout(120):
        while Path(f"/proc/{pid}/stat").exists() and _state(pid) != "Z":
            await asyncio.sleep(0.01)


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "Z"


async def test_one_that_can_not_be_started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("sys.executable", os.fspath(tmp_path / "no-python"))
    with pytest.raises(ChildLostError, match="could not be started") as lost:
        await PipedChild.start(["-c", ""], name="child", most_bytes=_MANY)
    assert lost.value.ending is Ending.START


async def test_whoever_is_cancelled_while_it_is_killed_leaves_nothing_of_it() -> None:
    child = await PipedChild.start(["-c", "import time; time.sleep(600)"], name="child", most_bytes=_MANY)
    killing = asyncio.create_task(child.kill())
    await asyncio.sleep(0)
    killing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await killing
    assert child._transport.is_closing()
    assert not child.lives
