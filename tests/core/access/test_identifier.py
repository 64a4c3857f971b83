"""Whose a call is: every order of sources, every set of what tells, and no way round a key."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from itertools import chain, combinations, permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midwatch_core.access.directory import Directory
from midwatch_core.access.identifying import Identifier, label
from midwatch_core.access.settings import SOURCES, IdentitySettings, Source
from midwatch_core.access.shown import Denial, Denied, Shown
from midwatch_core.model.identity import Identity
from tests.core.access.conftest import NOW, key_of, tenant

PROXY, PROXY_KEY = key_of("by-proxy")
HEADER, HEADER_KEY = key_of("by-header", agent="builder")
GENERAL, GENERAL_KEY = key_of(None)
EXPIRED, EXPIRED_KEY = key_of("by-proxy", expires_at=NOW)
REVOKED, REVOKED_KEY = key_of("by-proxy", revoked_at=NOW)
NOBODYS, _ = key_of("by-proxy")

DIRECTORY = Directory(
    tenants=(
        tenant("by-proxy"),
        tenant("by-header"),
        tenant("by-network", networks=("10.0.0.0/8",)),
        tenant("by-provider_key", provider_keys=("f" * 16,)),
        tenant("by-certificate", certificates=("CN=agent",)),
    ),
    keys=(PROXY_KEY, HEADER_KEY, GENERAL_KEY, EXPIRED_KEY, REVOKED_KEY),
)
TELLS: dict[Source, dict[str, str]] = {
    "proxy": {"proxy_password": PROXY},
    "header": {"header_key": HEADER},
    "network": {"client": "10.1.2.3"},
    "provider_key": {"provider_key": "f" * 16},
    "certificate": {"certificate": "CN=agent"},
}


def identifier(order: Iterable[Source] = SOURCES, *, required: bool = False) -> Identifier:
    return Identifier(DIRECTORY, IdentitySettings(order=tuple(order), required=required), default="default")


def identity(shown: Shown, order: Iterable[Source] = SOURCES) -> Identity:
    found = identifier(order).identify(shown, NOW)
    assert isinstance(found, Identity)
    return found


def subsets(sources: Iterable[Source]) -> list[tuple[Source, ...]]:
    listed = tuple(sources)
    return list(chain.from_iterable(combinations(listed, size) for size in range(len(listed) + 1)))


def orders() -> list[tuple[Source, ...]]:
    return [order for chosen in subsets(SOURCES) for order in permutations(chosen)]


def shown_by(sources: Iterable[Source]) -> Shown:
    told = {name: value for source in sources for name, value in TELLS[source].items()}
    return Shown(**told)


def test_the_first_source_in_order_that_tells_wins_for_every_order_and_whatever_tells() -> None:
    assert len(orders()) == 326
    for order in orders():
        free, required = identifier(order), identifier(order, required=True)
        for telling in subsets(SOURCES):
            shown = shown_by(telling)
            first = next((source for source in order if source in telling), None)
            found, strict = free.identify(shown, NOW), required.identify(shown, NOW)
            assert isinstance(found, Identity)
            assert found.tenant == (f"by-{first}" if first else "default")
            assert found.learned_from["tenant"] == (first or "default")
            assert strict == (found if first else Denied(why=Denial.UNKNOWN))


@pytest.mark.parametrize("place", ["proxy_password", "header_key"])
@pytest.mark.parametrize(
    ("text", "why"),
    [
        (EXPIRED, Denial.EXPIRED_KEY),
        (REVOKED, Denial.REVOKED_KEY),
        (NOBODYS, Denial.WRONG_KEY),
        (PROXY[:-1], Denial.WRONG_KEY),
        (PROXY.upper(), Denial.WRONG_KEY),
        ("password", Denial.WRONG_KEY),
        (" ", Denial.WRONG_KEY),
    ],
    ids=["expired", "revoked", "nobody's", "cut short", "in capitals", "a password", "a blank"],
)
def test_a_key_that_is_not_good_is_a_refusal_whatever_else_tells(place: str, text: str, why: Denial) -> None:
    for order in orders():
        for telling in subsets(SOURCES):
            found = identifier(order).identify(replace(shown_by(telling), **{place: text}), NOW)
            assert isinstance(found, Denied)
            assert found.why == why
            assert found.message


def test_a_key_expires_in_the_midst_of_things() -> None:
    text, key = key_of("acme", expires_at=NOW + timedelta(seconds=1))
    known = Identifier(Directory(tenants=(tenant("acme"),), keys=(key,)), IdentitySettings(), default="default")
    assert isinstance(known.identify(Shown(header_key=text), NOW), Identity)
    assert isinstance(known.identify(Shown(header_key=text), NOW + timedelta(seconds=1)), Denied)


def test_an_empty_key_is_none() -> None:
    assert identity(Shown(proxy_password="", header_key="")).tenant == "default"


def test_a_key_of_the_installation_is_the_default_tenants_and_enough_where_one_is_required() -> None:
    found = identifier(required=True).identify(Shown(header_key=GENERAL), NOW)
    assert isinstance(found, Identity)
    assert (found.tenant, found.key_id) == ("default", GENERAL_KEY.id)
    assert found.learned_from["tenant"] == "header"


def test_a_key_counts_where_it_is_the_tenants_own() -> None:
    text, key = key_of("by-network", agent="robot")
    known = Identifier(
        replace(DIRECTORY, keys=(*DIRECTORY.keys, key)),
        IdentitySettings(order=("network", "header", "proxy")),
        default="default",
    )
    own = known.identify(Shown(client="10.0.0.1", header_key=text), NOW)
    others = known.identify(Shown(client="10.0.0.1", header_key=HEADER), NOW)
    assert isinstance(own, Identity)
    assert isinstance(others, Identity)
    assert (own.tenant, own.key_id, own.agent) == ("by-network", key.id, "robot")
    assert own.learned_from == {"tenant": "network", "key_id": "header", "agent": "key", "client": "connection"}
    assert (others.tenant, others.key_id, others.agent) == ("by-network", None, None)


def test_a_key_that_names_its_agent_knows_better_than_a_header() -> None:
    found = identity(Shown(header_key=HEADER, agent="another", user="ada"))
    assert (found.agent, found.user) == ("builder", "ada")
    assert found.learned_from == {"tenant": "header", "key_id": "header", "agent": "key", "user": "header"}
    assert identity(Shown(proxy_password=PROXY, agent="another")).learned_from["agent"] == "header"


@pytest.mark.parametrize(
    ("text", "is_shown_as"),
    [
        (None, None),
        ("", None),
        ("  ", None),
        ("\x00\x1b\n", None),
        (" builder 7 ", "builder 7"),
        ("\x1b[31mred", "[31mred"),
        ("a\u202eb\ud800c", "abc"),
        ("x" * 100_000, "x" * 200),
        ("\n" * 100 + "x" * 300, "x" * 200),
        ("Zoë 🤖", "Zoë 🤖"),
    ],
)
def test_labels_are_printable_and_short(text: str | None, is_shown_as: str | None) -> None:
    assert label(text) == is_shown_as
    found = identity(Shown(agent=text, user=text, app=text))
    assert (found.agent, found.user, found.app) == (is_shown_as, is_shown_as, is_shown_as)


def test_the_application_is_told_by_exec_then_the_proxys_user_then_the_user_agent() -> None:
    shown = Shown(app="nightly", proxy_user="batch", proxy_password=PROXY, user_agent="OpenAI/Python 1.99")
    assert [
        (found.app, found.learned_from["app"])
        for found in (
            identity(shown),
            identity(replace(shown, app=None)),
            identity(replace(shown, app=None, proxy_user=None)),
            identity(replace(shown, app=None, proxy_password=None)),
        )
    ] == [
        ("nightly", "exec"),
        ("batch", "proxy-user"),
        ("OpenAI/Python", "user-agent"),
        ("OpenAI/Python", "user-agent"),
    ]


def test_what_is_not_known_is_none_and_not_said_to_be_learned() -> None:
    assert identity(Shown()) == Identity(tenant="default", learned_from={"tenant": "default"})


def test_an_endless_user_agent_is_cut() -> None:
    found = identity(Shown(user_agent="x" * 100_000))
    assert len(found.user_agent or "") == len(found.app or "") == 200


def test_keys_are_not_in_the_repr_of_what_is_shown() -> None:
    shown = Shown(proxy_password=PROXY, header_key=HEADER)
    assert PROXY not in repr(shown)
    assert HEADER not in repr(shown)


def _mangled(key: str) -> st.SearchStrategy[str]:
    """Texts near a key: cut, doubled, with one character changed; and any text."""
    return st.one_of(
        st.text(max_size=80),
        st.integers(0, len(key)).map(lambda at: key[:at]),
        st.integers(0, len(key) - 1).map(lambda at: key[:at] + chr(ord(key[at]) ^ 1) + key[at + 1 :]),
        st.text(min_size=1, max_size=3).map(lambda more: key + more),
        st.just(key[:12] + NOBODYS[12:]),
        st.sampled_from([EXPIRED, REVOKED, NOBODYS, PROXY_KEY.digest, PROXY_KEY.id]),
    )


@given(
    order=st.sampled_from(orders()),
    required=st.booleans(),
    password=st.none() | _mangled(PROXY) | st.just(HEADER),
    header=st.none() | _mangled(PROXY) | st.just(GENERAL),
    names=st.tuples(*[st.none() | st.sampled_from(["by-proxy", PROXY]) | st.text(max_size=20)] * 7),
)
def test_nothing_but_a_key_of_a_tenant_is_that_tenants_call(
    order: tuple[Source, ...],
    required: bool,
    password: str | None,
    header: str | None,
    names: tuple[str | None, ...],
) -> None:
    user, client, provider_key, certificate, agent, label_of_user, user_agent = names
    shown = Shown(
        proxy_user=user,
        proxy_password=password,
        header_key=header,
        client=client,
        provider_key=provider_key,
        certificate=certificate,
        agent=agent,
        user=label_of_user,
        user_agent=user_agent,
    )
    found = identifier(order, required=required).identify(shown, NOW)
    if isinstance(found, Identity):
        assert found.tenant in {"default", "by-header"}
        assert found.tenant != "by-header" or password == HEADER
