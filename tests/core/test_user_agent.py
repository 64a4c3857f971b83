"""The application by its User-Agent."""

import pytest

from midwatch_core.user_agent import application


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
