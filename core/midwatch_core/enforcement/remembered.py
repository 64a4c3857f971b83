"""What was redacted in answers that the provider remembers: a later call may name one and get its values back."""

from collections import OrderedDict
from collections.abc import Mapping

# A conversation that pauses longer starts with placeholders that stay as they are.
TTL_S = 3600.0
_MOST = 10_000


class Remembered:
    """Placeholder → value by (tenant, id of a stored answer), in this process's memory alone, for an hour.

    Only for APIs that keep the conversation themselves (`previous_response_id`): elsewhere the client sends it all
    again, and the map is made from that.
    """

    def __init__(self, *, ttl_s: float = TTL_S, most: int = _MOST) -> None:
        self._ttl_s = ttl_s
        self._most = most
        self._kept: OrderedDict[tuple[str, str], tuple[float, Mapping[str, str]]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def keep(self, tenant: str, answer_id: str, values: Mapping[str, str], now_s: float) -> None:
        """Remember what stands in the conversation up to this answer."""
        self._forget(now_s)
        self._kept[tenant, answer_id] = now_s, dict(values)
        self._kept.move_to_end((tenant, answer_id))
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)

    def of(self, tenant: str, answer_id: str, now_s: float) -> Mapping[str, str]:
        """What was kept, nothing where it is too long ago."""
        self._forget(now_s)
        return self._kept.get((tenant, answer_id), (0.0, {}))[1]

    def _forget(self, now_s: float) -> None:
        """Kept in the order of time: the old ones are in front."""
        while self._kept:
            key, (at_s, _) = next(iter(self._kept.items()))
            if now_s - at_s <= self._ttl_s:
                return
            del self._kept[key]
