"""The names of our keys on the server. What kind a key is of stands before its name, so that no two ever meet."""

from midwatch_core import Allowance, Bucket, Concurrency, Demand, Window


class Keys:
    """Keys under one prefix. Braces in names stay as they are: a cluster's hash tag is the tenant."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix

    def value(self, key: str) -> bytes:
        """Of a value."""
        return self._key("v:", key)

    def lease(self, name: str) -> bytes:
        """Of a lease."""
        return self._key("l:", name)

    def sums(self, key: str) -> bytes:
        """Of sums."""
        return self._key("s:", key)

    def ticket(self, name: str) -> bytes:
        """Of a ticket."""
        return self._key("t:", name)

    def allowance(self, name: str, ends_us: int) -> bytes:
        """Of an allowance: each period has a counter of its own."""
        return self._key(f"a{ends_us}:", name)

    def counters(self, demand: Demand) -> tuple[bytes, ...]:
        """Of a demand: one key, for calls at once two."""
        match demand.meter:
            case Bucket():
                return (self._key("b:", demand.name),)
            case Window() as window:
                return (self._key(f"w{window.slot_us}:", demand.name),)
            case Concurrency():
                return (self._key("c:", demand.name), self._key("h:", demand.name))
            case Allowance() as allowance:
                return (self.allowance(demand.name, allowance.ends_us),)

    def _key(self, kind: str, name: str) -> bytes:
        return encoded(f"{self._prefix}{kind}{name}")


def encoded(text: str) -> bytes:
    """Any text, also with halves of surrogate pairs in it."""
    return text.encode("utf-8", "surrogatepass")


def decoded(text: bytes) -> str:
    """What was `encoded`."""
    return text.decode("utf-8", "surrogatepass")
