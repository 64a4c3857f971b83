"""Refusals by limits and budgets, as real client libraries take them: tried again in time, or not at all."""

from decimal import Decimal
from typing import Any

import anthropic
import openai
import pytest

from midwatch_core.governing.refusals import refusal_of, verdict_of
from midwatch_core.governing.reservation import GRANTED, Ruling
from midwatch_core.governing.rules import CallKeys, Rules
from midwatch_core.governing.settings import BudgetRule, LimitRule
from midwatch_core.model.finding import Action
from midwatch_core.wire.dialects import BUILTIN
from tests.core.wire.loopback import answering

DIALECTS = {dialect.id: dialect for dialect in BUILTIN}
KEYS = CallKeys("acme", None, None, None, None, "m", "openai")
MESSAGES: Any = [{"role": "user", "content": "x"}]


def refused(rule: LimitRule | BudgetRule, *, amount: int = 7, retry_after_s: float = 0.0) -> Ruling:
    """The ruling by which this rule refuses a call that asks for so much."""
    limits, budgets = ([], [rule]) if isinstance(rule, BudgetRule) else ([rule], [])
    (counter,) = Rules(limits, budgets).counters(KEYS).all
    return Ruling(refused=counter, demand=counter.demand(amount, 0), retry_after_s=retry_after_s)


SLOW = LimitRule(id="slow", requests_per_s=2)
MONTHLY = BudgetRule(id="monthly", usd=Decimal(50))


def openai_call(url: str) -> None:
    with openai.OpenAI(api_key="k", base_url=f"{url}/v1", max_retries=2) as client:
        client.chat.completions.create(model="m", messages=MESSAGES)


def anthropic_call(url: str) -> None:
    with anthropic.Anthropic(api_key="k", base_url=url, max_retries=2) as client:
        client.messages.create(model="m", max_tokens=1, messages=MESSAGES)


CLIENTS = [
    ("openai.chat", openai_call, openai.RateLimitError),
    ("anthropic.messages", anthropic_call, anthropic.RateLimitError),
]


@pytest.mark.parametrize(("dialect", "call", "error"), CLIENTS)
@pytest.mark.parametrize(
    ("ruling", "times"),
    [
        (refused(SLOW, retry_after_s=0.02), 3),
        (refused(MONTHLY, retry_after_s=3600.0), 1),
        (refused(MONTHLY, retry_after_s=0.01), 1),
        (refused(LimitRule(id="small", tokens=5)), 1),
    ],
)
def test_client_libraries_try_again_only_where_that_may_help(
    dialect: str, call: Any, error: type[Exception], ruling: Ruling, times: int
) -> None:
    answer = DIALECTS[dialect].refuse(refusal_of(ruling, "req-7"))
    asked: list[str] = []
    with answering(answer.status, answer.headers, answer.body, asked) as url, pytest.raises(error, match="req-7"):
        call(url)
    assert len(asked) == times


def test_without_a_cache_clients_may_try_again() -> None:
    made = refusal_of(Ruling(away=True), "req-7")
    assert (made.status, made.code, made.retry, made.retry_after_s) == (503, "limits_unavailable", True, None)
    assert verdict_of(Ruling(away=True), Action.BLOCK).policy_line is None


@pytest.mark.parametrize(
    ("ruling", "says"),
    [
        (refused(SLOW, retry_after_s=0.3), "limit slow (2 requests a second, 2 at once) has no room for this call now"),
        (refused(SLOW, retry_after_s=0.3), "Try again in 0.3 seconds."),
        (refused(LimitRule(id="t", tokens=5, window_s=90), retry_after_s=44.2), "(5 tokens in 90 seconds)"),
        (refused(LimitRule(id="t", tokens=5, window_s=90), retry_after_s=44.2), "Try again in 45 seconds."),
        (refused(LimitRule(id="u", usd=Decimal("0.5"))), "(0.5 US dollars in 60 seconds)"),
        (refused(LimitRule(id="u", usd=Decimal("0.5"))), "shorten it, or set a smaller maximum of output"),
        (refused(LimitRule(id="c", concurrent=3), retry_after_s=1.0), "(3 calls at once)"),
        (refused(MONTHLY, amount=1500, retry_after_s=99.5), "budget monthly (50 US dollars a month)"),
        (refused(MONTHLY, amount=1500, retry_after_s=99.5), "which may cost up to 0.000002 US dollars"),
        (refused(MONTHLY, amount=1500, retry_after_s=99.5), "before the month ends, in 100 seconds."),
        (refused(MONTHLY), "set a smaller maximum of output"),
        (Ruling(away=True), "can't count this call against its limits now"),
    ],
)
def test_a_refusal_names_the_rule_and_what_is_left_to_do(ruling: Ruling, says: str) -> None:
    assert says in refusal_of(ruling, "req-7").message
    assert refusal_of(ruling, "req-7").message.endswith("Request id: req-7")
    assert says in (verdict_of(ruling, Action.CUT).reason or "")


def test_what_was_granted_is_no_refusal() -> None:
    with pytest.raises(ValueError, match="nothing was refused"):
        refusal_of(GRANTED, "req-7")
