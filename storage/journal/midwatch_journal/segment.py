"""A segment file as its writer sees it: frames go in whole, or the segment is given up at the last whole one."""

import errno
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from .frames import HEADER_BYTES, SEGMENT_HEADER, frame_header

# iovec entries one writev takes (IOV_MAX is 1024 on Linux and macOS); a frame uses two.
MAX_BATCH_FRAMES = 256


class Segment:
    """An open segment, header written. Raises OSError when it cannot be made; then nothing of it is left."""

    def __init__(self, path: Path, opened_at: float) -> None:
        self.path = path
        self.opened_at = opened_at
        self.frames = 0
        self.torn = False
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
        self.fd = os.open(path, flags, 0o600)
        self.end = 0
        try:
            self._write_all([SEGMENT_HEADER])
        except OSError:
            self.unlink()
            self.close()
            raise
        self.end = len(SEGMENT_HEADER)

    def append(self, payloads: Sequence[bytes], flags: int) -> tuple[int, OSError | None]:
        """Write these payloads as frames (at most MAX_BATCH_FRAMES) in one call to the system.

        Returns how many are whole on the file, and what stopped the rest. After a torn frame `torn` is set: the segment
        takes no more, for a reader may already have seen the torn bytes.
        """
        buffers = [part for payload in payloads for part in (frame_header(payload, flags), payload)]
        try:
            self._write_all(buffers)
        except OSError as error:
            return self._keep_whole(payloads), error
        self.frames += len(payloads)
        self.end += sum(map(len, buffers))
        return len(payloads), None

    def _write_all(self, buffers: list[bytes]) -> None:
        missing = sum(map(len, buffers))
        written = os.writev(self.fd, buffers)
        if written == missing:
            return
        # A short write: the next one tells why, or goes on.
        rest = memoryview(b"".join(buffers))[written:]
        while rest:
            step = os.write(self.fd, rest)
            if step == 0:
                raise OSError(errno.EIO, "write took nothing", str(self.path))
            rest = rest[step:]

    def _keep_whole(self, payloads: Sequence[bytes]) -> int:
        """Count the frames that did get in whole, and give back the room of the one that did not."""
        try:
            size = os.fstat(self.fd).st_size
        except OSError:
            self.torn = True
            return 0
        whole = 0
        for payload in payloads:
            after = self.end + HEADER_BYTES + len(payload)
            if after > size:
                break
            self.end = after
            whole += 1
        self.frames += whole
        self.torn = size > self.end
        if self.torn:
            with suppress(OSError):
                os.ftruncate(self.fd, self.end)
        return whole

    def sync(self) -> None:
        """Have the file's bytes on the disk; raises OSError."""
        if hasattr(os, "fdatasync"):
            os.fdatasync(self.fd)
        else:
            os.fsync(self.fd)

    def close(self) -> None:
        """Seal: nothing is written any more."""
        os.close(self.fd)

    def unlink(self) -> None:
        """Delete the file, open or not."""
        with suppress(OSError):
            self.path.unlink()
