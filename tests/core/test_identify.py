"""Who it is: the application from `exec` or the User-Agent, and how that was learned."""

import pytest

from midwatch_core.identify import application, identify


@pytest.mark.parametrize(
    ("user_agent", "app"),
    [
        ("OpenAI/Python 1.99.7", "OpenAI/Python"),
        ("Anthropic/JS 0.60.0", "Anthropic/JS"),
        ("claude-cli/1.0.83 (external, cli)", "claude-cli"),
        ("curl/8.5.0", "curl"),
        ("google-genai-sdk/1.40.0 gl-python/3.13.0", "google-genai-sdk"),
        ("Mozilla/5.0 (X11; Linux x86_64)", "Mozilla"),
        ("bare", "bare"),
        ("/1.0", None),
        (" leading", None),
    ],
)
def test_the_product_of_a_user_agent(user_agent: str, app: str | None) -> None:
    assert application(user_agent) == app


def test_a_name_given_by_exec_wins() -> None:
    who = identify({"user-agent": "curl/8"}, client="10.0.0.9", tenant="acme", app="nightly")
    assert (who.app, who.tenant, who.client, who.user_agent) == ("nightly", "acme", "10.0.0.9", "curl/8")
    assert who.learned_from == {"tenant": "default", "app": "exec", "client": "connection"}


def test_what_is_not_known_is_none_and_not_said_to_be_learned() -> None:
    who = identify({}, client=None, tenant="default")
    assert (who.app, who.client, who.user_agent) == (None, None, None)
    assert who.learned_from == {"tenant": "default"}


def test_an_endless_user_agent_is_cut() -> None:
    who = identify({"user-agent": "x" * 100_000}, client=None, tenant="default")
    assert len(who.user_agent or "") == len(who.app or "") == 200
