"""Redis and Valkey: the shared cache of Midwatch, opened by `redis://`, `rediss://`, `valkey://`, `valkeys://` URLs.

`redis://user:password@host:port/db?prefix=words:` - all but the host may be left out; two s are TLS, for which
`ca=FILE` names the authorities to trust.
"""

from importlib.util import find_spec

from midwatch_core import CacheLayer, ConfigError, hookimpl

_SCHEMES = ("redis://", "rediss://", "valkey://", "valkeys://")


@hookimpl(trylast=True)
def open_cache(url: str) -> CacheLayer | None:
    """A cache for a Redis or Valkey URL. Raises ConfigError for a wrong URL, or where the client library is absent."""
    if not url.startswith(_SCHEMES):
        return None
    if find_spec("redis") is None:
        raise ConfigError(f"{url.partition(':')[0]}:// URLs need the client library; install midwatch[redis]")
    from midwatch_redis.address import parse
    from midwatch_redis.cache import RedisCache

    return RedisCache(parse(url))
