"""Modes as far as listening goes: where we listen ourselves, so that nobody is led there."""

from midwatch.modes import own_addresses
from midwatch_core.config import Config


def test_every_place_of_ours_counts() -> None:
    modes = ("regular", "transparent@[::]:8083", "reverse:https://api.openai.com@9000", "wireguard@51820")
    config = Config(listen="127.0.0.1:8080", console="127.0.0.1:8082", mode=modes)
    assert own_addresses(config) == [("127.0.0.1", 8080), ("127.0.0.1", 8082), ("::", 8083), ("127.0.0.1", 9000)]
