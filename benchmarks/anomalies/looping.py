"""A month of agents' conversations: most of them do their work, some go in a circle; what the plugin finds of them."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from benchmarks.anomalies.agents import Agent
from midwatch_anomaly.loops import Circle, Loops
from midwatch_core import Exchange
from midwatch_core.threads import Threader

type Talk = Callable[[Agent, random.Random], Iterator[Exchange]]

_BEGIN = datetime.fromisoformat("2026-03-02T08:00:00+00:00")
# Conversations of a kind; they begin minutes apart, and several go on at a time.
_OF_A_KIND, _APART_S = 20, 400.0
_LONG = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """The conversations of one kind. `first` are the circles as they were told first, `delays_s` how soon that was."""

    kind: str
    is_loop: bool
    talks: int
    calls: int
    first: tuple[Circle, ...]
    delays_s: tuple[float, ...]


def held(wish: tuple[str, int]) -> Held:
    """Hold conversations of a kind, by its name and a seed; each with an agent of its own."""
    name, seed = wish
    talk = TALKS[name]
    loops, threader, chance = Loops(), Threader(), random.Random(f"{name} {seed}")
    calls, first, delays_s = 0, [], []
    for number in range(_OF_A_KIND):
        at = _BEGIN + timedelta(seconds=_APART_S * number)
        agent = Agent(threader, name=f"{name}-{number}", at=at, takes_s=chance.uniform(1, 8))
        agent.told(f"Task {number}: {name}")
        told = False
        for exchange in talk(agent, chance):
            calls += 1
            circle = loops.take(exchange)
            if circle and not told:
                told = True
                first.append(circle)
                delays_s.append(exchange.started_at.timestamp() - circle.since_s)
    return Held(
        kind=name.replace("_", " "),
        is_loop=talk in LOOPS,
        talks=_OF_A_KIND,
        calls=calls,
        first=tuple(first),
        delays_s=tuple(delays_s),
    )


def coding(agent: Agent, chance: random.Random) -> Iterator[Exchange]:
    """Reads, edits, and runs the same tests again and again; most runs fail alike."""
    for number in range(_LONG // 2):
        for _ in range(chance.randint(0, 2)):
            yield agent.calls("read", {"path": f"src/{chance.randrange(9)}.py"}, brings="…")
        yield agent.calls("edit", {"path": "src/a.py", "text": f"try {number}"}, brings="done")
        yield agent.calls("test", {}, brings="3 failed" if chance.random() < 0.8 else "2 failed", wait_s=5)


def status_between(agent: Agent, chance: random.Random) -> Iterator[Exchange]:
    """Asks for the same status between steps of all kinds, twice or three times at a stretch now and then."""
    for number in range(_LONG // 2):
        for _ in range(chance.choice((1, 1, 1, 2, 3))):
            yield agent.calls("git_status", {}, brings="clean")
        yield agent.calls("run", {"command": f"step {number}"}, brings="ok")


def polling(agent: Agent, chance: random.Random) -> Iterator[Exchange]:
    """Waits for a job: the same question with the same answer, half a minute or more apart."""
    wait_s = chance.uniform(25, 120)
    for _ in range(_LONG):
        yield agent.calls("job_status", {"id": 7}, brings="running", wait_s=wait_s)


def progress(agent: Agent, chance: random.Random) -> Iterator[Exchange]:
    """Waits for a job that tells how far it is, in less of a hurry than a loop."""
    for number in range(20):
        yield agent.calls("job_status", {"id": 7}, brings=f"{number * 5} %", wait_s=chance.uniform(3, 15))


def paging(agent: Agent, chance: random.Random) -> Iterator[Exchange]:
    """Takes page after page from a tool that keeps the place itself."""
    for number in range(chance.randint(5, 20)):
        yield agent.calls("next_page", {}, brings=f"page {number}")


def subagents(agent: Agent, chance: random.Random) -> Iterator[Exchange]:
    """Eight subagents that all begin with the same file."""
    yield agent.calls("task", {"agents": 8}, brings="…")
    for number in range(8):
        sub = Agent(agent.threader, name=agent.name, at=agent.at, takes_s=agent.takes_s, traced=agent.traced)
        sub.told(f"{agent.name}, part {number}")
        yield sub.calls("read", {"path": "README.md"}, brings="# Readme")
        yield sub.calls("search", {"for": f"part {number}"}, brings=f"{chance.randrange(99)} hits")
        agent.at = sub.at


def retrying(agent: Agent, chance: random.Random) -> Iterator[Exchange]:
    """Is refused for a while, and tries again."""
    for _ in range(chance.randint(4, 12)):
        yield replace(agent.says("no"), status=429)
        agent.history.pop()
        agent.at += timedelta(seconds=chance.uniform(0.5, 4))
    yield agent.says("at last")


def sampling(agent: Agent, chance: random.Random) -> Iterator[Exchange]:
    """Asks for several answers at once."""
    at = agent.at
    for _ in range(chance.randint(5, 12)):
        yield agent.says(f"answer {chance.random()}")
        agent.history.pop()
        agent.at = at + timedelta(seconds=chance.uniform(0, 0.5))


def health_check(agent: Agent, chance: random.Random) -> Iterator[Exchange]:
    """The same words every half minute or minute."""
    apart_s = chance.choice((30, 60))
    for _ in range(_LONG):
        yield agent.says("pong")
        agent.history.pop()
        agent.at += timedelta(seconds=apart_s - agent.takes_s)


def coding_traced(agent: Agent, chance: random.Random) -> Iterator[Exchange]:
    """As above, and each call is a trace of its own."""
    agent.traced = True
    yield from coding(agent, chance)


def subagents_traced(agent: Agent, chance: random.Random) -> Iterator[Exchange]:
    """As above, and each call is a trace of its own."""
    agent.traced = True
    yield from subagents(agent, chance)


def service_traced(agent: Agent, chance: random.Random) -> Iterator[Exchange]:
    """Answers one customer after the other, and asks the same tool for each."""
    for number in range(_LONG):
        one = Agent(agent.threader, name=agent.name, at=agent.at, takes_s=agent.takes_s, traced=True)
        one.told(f"Customer {number} of {agent.name} asks when it opens")
        yield one.calls("opening_hours", {}, brings="9 to 17", wait_s=0.2)
        yield one.says("From nine to five.")
        agent.at = one.at + timedelta(seconds=chance.uniform(0, 2))


def same_call(agent: Agent, chance: random.Random) -> Iterator[Exchange]:
    """Works, then makes one call again and again."""
    yield from _some_work(agent, chance)
    for _ in range(_LONG):
        yield agent.calls("read", {"path": "a.py"}, brings="no such file", wait_s=chance.uniform(0.1, 5))


def cycle_of_two(agent: Agent, chance: random.Random) -> Iterator[Exchange]:
    """Makes an edit, runs the tests, and makes the same edit."""
    yield from _some_work(agent, chance)
    for number in range(_LONG):
        name, brings = (("edit", "done"), ("test", "1 failed"))[number % 2]
        yield agent.calls(name, {"n": 1}, brings=brings, wait_s=chance.uniform(0.1, 5))


def cycle_of_three(agent: Agent, chance: random.Random) -> Iterator[Exchange]:
    """Three calls in turn."""
    yield from _some_work(agent, chance)
    for number in range(_LONG):
        yield agent.calls(f"tool_{number % 3}", {}, brings="", wait_s=chance.uniform(0.1, 5))


def changing_result(agent: Agent, chance: random.Random) -> Iterator[Exchange]:
    """One call again and again, in a hurry; its result bears the time."""
    for _ in range(_LONG):
        yield agent.calls("read", {"path": "a.py"}, brings=f"{agent.at} no such file", wait_s=chance.uniform(0.1, 3))


def same_prompt(agent: Agent, chance: random.Random) -> Iterator[Exchange]:
    """Throws the answer away and asks again."""
    for _ in range(_LONG):
        yield agent.says(f"answer {chance.random()}")
        agent.history.pop()
        agent.at += timedelta(seconds=chance.uniform(0, 3))


def same_words(agent: Agent, chance: random.Random) -> Iterator[Exchange]:
    """A driver says the same, the model answers the same, and the history grows."""
    for _ in range(_LONG):
        agent.told("Go on.")
        yield agent.says("I can't do that.")
        agent.at += timedelta(seconds=chance.uniform(0, 3))


def slightly_other(agent: Agent, chance: random.Random) -> Iterator[Exchange]:
    """One call again and again, with a word more each time."""
    for number in range(_LONG):
        yield agent.calls("search", {"for": "the cause " * (number + 1)}, brings="nothing", wait_s=chance.uniform(0, 3))


def same_call_traced(agent: Agent, chance: random.Random) -> Iterator[Exchange]:
    """One call again and again, and each is a trace of its own."""
    agent.traced = True
    yield from same_call(agent, chance)


def cycle_of_two_traced(agent: Agent, chance: random.Random) -> Iterator[Exchange]:
    """Two calls in turn, and each is a trace of its own."""
    agent.traced = True
    yield from cycle_of_two(agent, chance)


def same_words_traced(agent: Agent, chance: random.Random) -> Iterator[Exchange]:
    """The same words again and again, and each is a trace of its own."""
    agent.traced = True
    yield from same_words(agent, chance)


def _some_work(agent: Agent, chance: random.Random) -> Iterator[Exchange]:
    for number in range(chance.randint(0, 10)):
        yield agent.calls("read", {"path": f"{number}.py"}, brings=f"{number}")


WORK: tuple[Talk, ...] = (
    coding, status_between, polling, progress, paging, subagents, retrying, sampling, health_check,
    coding_traced, subagents_traced, service_traced,
)  # fmt: skip
LOOPS: tuple[Talk, ...] = (
    same_call, cycle_of_two, cycle_of_three, changing_result, same_prompt, same_words, slightly_other,
    same_call_traced, cycle_of_two_traced, same_words_traced,
)  # fmt: skip
TALKS = {talk.__name__: talk for talk in (*WORK, *LOOPS)}
