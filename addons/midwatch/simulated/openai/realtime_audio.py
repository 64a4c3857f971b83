"""Sound at a simulated Realtime server: what a user said, heard out of bytes, and bytes for what the model says."""

from __future__ import annotations

import base64
import binascii

_MAX_BUFFER = 4 << 20
_BYTES_OF_A_TOKEN = 320
_UNINTELLIGIBLE = "Could you tell me the time?"


class SpeechBuffer:
    """The user's sound, not yet an item. A piece of nothing but zeros is silence: it ends what was being said."""

    def __init__(self) -> None:
        self._sound = bytearray()

    def append(self, encoded: object) -> str:
        """A piece in base64: "started", "stopped" where speech began or ended with it, else an empty string.

        Raises ValueError for what is no base64.
        """
        try:
            piece = base64.b64decode(str(encoded), validate=True)
        except binascii.Error as wrong:
            raise ValueError("audio is not base64") from wrong
        before, silent = bool(self._sound), not piece.strip(b"\0")
        if silent:
            return "stopped" if before else ""
        if len(self._sound) + len(piece) <= _MAX_BUFFER:
            self._sound += piece
        return "" if before else "started"

    def take(self) -> bytes:
        """All of it; the buffer begins anew."""
        sound, self._sound = bytes(self._sound), bytearray()
        return sound


def transcript_of(sound: bytes) -> str:
    """What was said: sound that is text in ASCII says that text, anything else the same question."""
    return sound.decode().strip() if sound.isascii() and sound.strip() else _UNINTELLIGIBLE


def tokens_of(sound_bytes: int) -> int:
    """Tokens that a model counts for sound of so many bytes."""
    return -(-sound_bytes // _BYTES_OF_A_TOKEN)


def speech(token: str) -> str:
    """Sound in base64 for one token of text: as many bytes as count for one."""
    return base64.b64encode(token.encode()[:1] * _BYTES_OF_A_TOKEN).decode()
