"""Who runs in the pool: detectors that the settings do not list; what can't be asked there is named."""

from midwatch.pool.who import pool_plugins, unasked
from midwatch_core.hookspecs import hookimpl
from midwatch_core.hosting import Plugins


class Texts:
    @hookimpl
    def inspect_text(self) -> None: ...


class Masks:
    @hookimpl
    def mask(self) -> None: ...


class Prices:
    @hookimpl
    def price(self) -> None: ...


def plugins() -> Plugins:
    made = Plugins()
    for name, kind in (("texts", Texts), ("own", Texts), ("masks", Masks), ("prices", Prices)):
        made.add(name, kind)
    made.activate({})
    return made


def test_detectors_that_are_not_listed_run_in_the_pool() -> None:
    assert set(pool_plugins(plugins(), in_loop=("own",))) == {"texts", "masks"}


def test_a_hook_that_is_not_asked_there_is_named() -> None:
    assert list(unasked(plugins(), ("texts", "masks"))) == [("masks", "mask")]
