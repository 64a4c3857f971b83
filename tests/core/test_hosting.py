"""Plugins: a failing import or hook is named and the others go on; order, sections and signatures are as documented."""

import asyncio
import time
from types import ModuleType
from typing import Any

import pytest
from pydantic import BaseModel

from midwatch_core import Detection, Finding, Part, Severity, Text
from midwatch_core.breaker import BreakerOpenError, BreakerState
from midwatch_core.guarded import Outcome
from midwatch_core.hookspecs import hookimpl
from midwatch_core.hosting import Plugins
from midwatch_core.model.cost import Cost
from midwatch_core.model.exchange import Exchange
from midwatch_core.sound import NonsenseError
from midwatch_core.storage_settings import BreakerSettings
from midwatch_core.testing.factories import make_exchange


class Acme:
    class Config(BaseModel):
        greeting: str = "hello"

    def __init__(self, config: Config) -> None:
        self.config = config

    @hookimpl
    def price(self, exchange: Exchange) -> Cost:
        return Cost(reason=self.config.greeting)


class Plain:
    @hookimpl
    def price(self) -> Cost:
        return Cost(reason="plain")


class Silent:
    @hookimpl
    def price(self, exchange: Exchange) -> None:
        return None


class Last:
    @hookimpl(trylast=True)
    def price(self) -> Cost:
        return Cost(reason="last")


class First:
    @hookimpl(tryfirst=True)
    def price(self) -> Cost:
        return Cost(reason="first")


class Raising:
    @hookimpl
    def price(self, exchange: Exchange) -> Cost:
        raise ZeroDivisionError("no rate")


class Misspelt:
    @hookimpl
    def prize(self, exchange: Exchange) -> None: ...


class WrongArgument:
    @hookimpl
    def price(self, exchnage: Exchange) -> None: ...


class Wrapping:
    @hookimpl(wrapper=True)
    def price(self) -> Any:
        return (yield)


class Slow:
    @hookimpl
    async def startup(self) -> None:
        await asyncio.sleep(3600)


def plugins(*targets: Any, settings: dict[str, Any] | None = None, order: tuple[str, ...] = ()) -> Plugins:
    found = Plugins()
    for target in targets:
        found.add(target.__name__, lambda target=target: target, version="1.0")  # type: ignore[misc]
    found.activate(settings or {}, order=order)
    return found


def reasons(found: Plugins) -> list[str | None]:
    outcomes = found.call_all("price", exchange=make_exchange())
    return [outcome.value.reason if outcome.value else None for outcome in outcomes]


def test_a_class_gets_its_section_and_its_model_is_known() -> None:
    found = plugins(Acme, settings={"Acme": Acme.Config(greeting="hi")})
    assert found.sections() == {"Acme": Acme.Config}
    assert reasons(found) == ["hi"]


def test_a_module_is_a_plugin() -> None:
    module = ModuleType("acme_module")

    @hookimpl
    def price(exchange: Exchange) -> Cost:
        return Cost(reason=exchange.endpoint.provider)

    module.price = price  # type: ignore[attr-defined]
    assert reasons(plugins(module)) == ["openai"]


def test_a_hook_takes_only_the_arguments_it_wants() -> None:
    assert reasons(plugins(Plain)) == ["plain"]


def test_order_is_tryfirst_then_configured_then_trylast() -> None:
    found = plugins(Last, Plain, Silent, First, order=("Silent", "Last"))
    assert reasons(found) == ["first", None, "plain", "last"]
    assert reasons(plugins(Last, Plain, Silent, First, order=("Plain", "nobody"))) == ["first", "plain", None, "last"]


def test_the_first_answer_counts_and_silence_and_failure_are_passed_over() -> None:
    found = plugins(Raising, Silent, Plain, order=("Raising", "Silent"))
    outcome = found.call_first("price", exchange=make_exchange())
    assert outcome is not None
    assert (outcome.name, outcome.value) == ("Plain.price", Cost(reason="plain"))
    assert found.guard.records["Raising.price"].last_error == "ZeroDivisionError: no rate"
    assert plugins(Silent).call_first("price", exchange=make_exchange()) is None


@pytest.mark.parametrize(
    ("target", "says"),
    [
        (Misspelt, "no such hook: prize"),
        (WrongArgument, "exchnage"),
        (Wrapping, "wrapper"),
    ],
)
def test_a_plugin_that_cannot_be_registered_is_named_and_the_others_run(target: type, says: str) -> None:
    found = plugins(target, Plain)
    bad, good = found.list()
    assert bad.error is not None
    assert says in bad.error
    assert (bad.hooks, good.error, good.hooks, good.version) == ((), None, ("price",), "1.0")
    assert reasons(found) == ["plain"]


def test_an_import_that_fails_is_named() -> None:
    def load() -> object:
        raise ModuleNotFoundError("No module named 'torch'")

    found = Plugins()
    found.add("heavy", load)
    found.activate({})
    (info,) = found.list()
    assert info.error == "ModuleNotFoundError: No module named 'torch'"
    assert found.sections() == {}


async def test_a_plugin_that_hangs_costs_its_deadline_and_no_more() -> None:
    (outcome,) = await plugins(Slow).wait_all("startup", deadline_s=0.01, host=None)
    assert isinstance(outcome.error, TimeoutError)


def test_lists_are_gathered_and_a_failure_adds_nothing() -> None:
    class One:
        @hookimpl
        def metrics(self) -> list[Any]:
            return ["a", "b"]

    class Two:
        @hookimpl
        def metrics(self) -> None: ...

    class Three:
        @hookimpl
        def metrics(self) -> list[Any]:
            raise OSError("no file")

    assert plugins(One, Two, Three).gather("metrics") == ["a", "b"]


def test_only_allowed_plugins_load() -> None:
    found = Plugins()
    found.discover(allow=["memory", "nobody"])
    assert [info.name for info in found.list()] == ["memory"]


class Detector:
    """Gives what it is told to."""

    def __init__(self) -> None:
        self.gives: Any = []
        self.calls = 0

    @hookimpl
    def inspect_text(self, text: Text) -> Any:
        self.calls += 1
        if isinstance(self.gives, BaseException):
            raise self.gives
        return self.gives

    @hookimpl
    async def inspect_exchange(self) -> Any:
        await asyncio.sleep(0)
        return self.gives


def detector() -> tuple[Plugins, Detector]:
    made = Detector()
    found = Plugins()
    found.add("acme", lambda: made)
    found.activate({})
    found.now = lambda: 0.0
    return found, made


def ask(found: Plugins) -> Outcome:
    return found.detect("acme", "inspect_text", text=Text("some text"), part=Part.USER)


def seen(**changes: Any) -> Detection:
    known = {"rule": "a/b", "category": "c", "severity": Severity.LOW, "confidence": 1.0, "message": "", "start": 0}
    return Detection(**{**known, "end": 4, **changes})


@pytest.mark.parametrize("good", [[], [seen()]])
def test_a_detector_that_fails_ten_times_is_left_alone_then_tried_again(
    caplog: pytest.LogCaptureFixture, good: list[Detection]
) -> None:
    found, made = detector()
    made.gives = ZeroDivisionError("no")
    assert all(isinstance(ask(found).error, ZeroDivisionError) for _ in range(10))
    refused = ask(found)
    assert isinstance(refused.error, BreakerOpenError)
    assert refused.error.plugin == "acme"
    assert (made.calls, found.guard.records["acme.inspect_text"].calls) == (10, 10)
    assert "plugin acme is left alone: 10 failures in a row, the last: ZeroDivisionError: no" in caplog.text
    made.gives = good
    found.now = lambda: 30.0
    assert [ask(found).value for _ in range(3)] == [good] * 3
    assert "plugin acme works again" in caplog.text
    assert found.breaker_state("acme") is BreakerState.CLOSED


@pytest.mark.parametrize(
    ("gives", "value"),
    [
        (None, []),
        ([], []),
        (42, None),
        ("text", None),
        (["text"], None),
        ([seen(end=99), None], [seen(end=9)]),
    ],
)
def test_what_a_detector_gives_is_a_list_of_detections_or_an_error(gives: object, value: object) -> None:
    found, made = detector()
    made.gives = gives
    outcome = ask(found)
    assert outcome.value == value
    assert outcome.ok is (value is not None)
    if not outcome.ok:
        assert isinstance(outcome.error, NonsenseError)
    record = found.guard.records["acme.inspect_text"]
    assert (record.calls, record.failures) == (1, 0 if gives is None or gives == [] else 1)


def test_nonsense_opens_the_breaker_too() -> None:
    found, made = detector()
    made.gives = [seen(end=99)]
    for _ in range(10):
        assert ask(found).ok
    assert found.breaker_state("acme") is BreakerState.OPEN


async def test_a_detector_may_be_awaited_and_its_findings_are_checked() -> None:
    found, made = detector()
    finding = Finding(id="", rule="a/b", category="c", severity=Severity.LOW, confidence=1, message="m")
    made.gives = [finding, "text"]
    outcome = await found.detect_waiting("acme", "inspect_exchange", deadline_s=60.0, exchange=make_exchange())
    assert outcome.value == [finding]
    assert found.guard.records["acme.inspect_exchange"].failures == 1


async def test_a_detector_that_is_slower_than_its_deadline_fails_whether_it_waits_or_not() -> None:
    class Waits:
        @hookimpl
        async def inspect_exchange(self) -> list[Finding]:
            await asyncio.sleep(3600)
            return []

    class Works:
        @hookimpl
        def inspect_exchange(self) -> list[Finding]:
            time.sleep(0.002)
            return []

    found = plugins(Waits, Works)
    for name in ("Waits", "Works"):
        for _ in range(10):
            await found.detect_waiting(name, "inspect_exchange", deadline_s=0.001, exchange=make_exchange())
        assert found.breaker_state(name) is BreakerState.OPEN
        assert "TimeoutError" in str(found.guard.records[f"{name}.inspect_exchange"].last_error)


def test_breakers_have_the_settings_thresholds_and_come_to_one_state() -> None:
    found, made = detector()
    found.breakers = BreakerSettings(failures=2, open_s=5, probes=1)
    assert found.security_state() is BreakerState.CLOSED
    made.gives = ZeroDivisionError("no")
    ask(found)
    assert found.security_state() is BreakerState.CLOSED
    ask(found)
    assert found.security_state() is BreakerState.OPEN
    made.gives = []
    found.now = lambda: 5.0
    ask(found)
    assert found.security_state() is BreakerState.CLOSED


def test_a_plugin_without_the_hook_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        detector()[0].detect("acme", "inspect_delta")
