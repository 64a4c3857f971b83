"""The enforcer of a worker: it puts calls under guard, where policy may act on them."""

from collections.abc import Mapping
from types import MappingProxyType

from midwatch_core.clock import Clock
from midwatch_core.enforcement.guard import CallGuard, Hasher
from midwatch_core.enforcement.remembered import Remembered
from midwatch_core.engine import Engine
from midwatch_core.masking import placeholder_key
from midwatch_core.model.exchange import Exchange
from midwatch_core.model.segment import Direction
from midwatch_core.placeholders import Placeholders
from midwatch_core.policy import Policy, subject_of
from midwatch_core.wire.dialect import Dialect


class Enforcer:
    """What all calls of a worker share: engine, policy, and the key of placeholders. `policy` may be set anew."""

    def __init__(self, *, engine: Engine, policy: Policy, key: bytes, clock: Clock) -> None:
        self.engine = engine
        self.policy = policy
        self.clock = clock
        self.remembered = Remembered()
        self._key = key

    @property
    def may_act(self) -> bool:
        """Whether any line could do more to any call than put it on record."""
        return self.policy.may_act

    def guard(
        self, exchange: Exchange, dialect: Dialect, hasher: Hasher, known: Mapping[str, str] = MappingProxyType({})
    ) -> CallGuard | None:
        """The guard of a call whose request this is; None where no line of policy could do more than record it.

        `known` are placeholders, with their values, that stand in the conversation already.
        """
        subject = subject_of(exchange)
        if not any(self.policy.acts(subject, direction) for direction in Direction):
            return None
        texts = (item.text for item in exchange.request.segments)
        tenant = exchange.identity.tenant
        names = Placeholders(placeholder_key(self._key, tenant), texts)
        names.adopt(known)
        if (before := exchange.request.previous_response_id) is not None:
            names.adopt(self.remembered.of(tenant, before, self.clock.monotonic()))
        # A policy that is loaded anew holds for the next call: one call is judged by one policy.
        return CallGuard(
            exchange,
            dialect,
            engine=self.engine,
            policy=self.policy,
            clock=self.clock,
            remembered=self.remembered,
            subject=subject,
            names=names,
            hasher=hasher,
        )
