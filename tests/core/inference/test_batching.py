"""The queue before a model: nothing is lost, given twice or overtaken, and nothing grows without bound."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midwatch_core.inference.batching import BatchQueue


def queue_of(*texts: str, most_texts: int = 256, most_characters: int = 10_000) -> BatchQueue:
    queue = BatchQueue(most_texts=most_texts, most_characters=most_characters, batch_texts=3, batch_characters=10)
    for text in texts:
        queue.put(text)
    return queue


@pytest.mark.parametrize(
    ("waiting", "batches"),
    [
        pytest.param([], [], id="nothing waits"),
        pytest.param(["a", "b", "c", "d"], [["a", "b", "c"], ["d"]], id="no more than so many texts"),
        pytest.param(["a" * 6, "b" * 4, "c"], [["a" * 6, "b" * 4], ["c"]], id="no more than so many characters"),
        pytest.param(["a", "b" * 50, "c"], [["a"], ["b" * 50], ["c"]], id="what is too long goes alone"),
        pytest.param(["a" * 9, "b" * 9, "c"], [["a" * 9], ["b" * 9, "c"]], id="none is overtaken"),
        pytest.param(["", "", "", ""], [["", "", ""], [""]], id="empty texts are texts"),
    ],
)
def test_batches(waiting: list[str], batches: list[list[str]]) -> None:
    queue = queue_of(*waiting)
    taken = []
    while batch := queue.take():
        taken.append(list(batch.values()))
    assert taken == batches
    assert len(queue) == 0


def test_no_more_texts_than_it_may_hold() -> None:
    queue = queue_of("a", "b", most_texts=2)
    assert queue.put("c") is None
    queue.take()
    assert queue.put("c") is not None


def test_no_more_characters_than_it_may_hold_but_always_one_text() -> None:
    queue = queue_of("a" * 50, most_characters=20)
    assert len(queue) == 1
    assert queue.put("b") is None
    queue.take()
    assert queue.put("b" * 15) is not None
    assert queue.put("c" * 6) is None
    assert queue.put("c" * 5) is not None


def test_a_text_that_is_forgotten_makes_room_and_is_not_given() -> None:
    queue = queue_of("a" * 20, most_characters=20)
    ticket = queue.put("b")
    assert ticket is None
    assert queue.discard(1)
    assert not queue.discard(1)
    assert queue.put("c" * 20) is not None
    assert list(queue.take().values()) == ["c" * 20]


_STEPS = st.one_of(
    st.text(alphabet="ab", max_size=14),
    st.just("take"),
    st.integers(1, 30),  # a text, a batch, a ticket to forget
)


@given(st.lists(_STEPS, max_size=60))
def test_each_text_is_given_once_or_forgotten_in_the_order_in_which_it_came(steps: list[str | int]) -> None:
    queue = queue_of(most_texts=8, most_characters=40)
    here: dict[int, str] = {}
    given_before = 0
    for step in steps:
        if step == "take":
            batch = queue.take()
            assert list(batch.items()) == list(here.items())[: len(batch)]
            assert all(ticket > given_before for ticket in batch)
            assert len(batch) <= 3
            assert len(batch) == 1 or sum(map(len, batch.values())) <= 10
            assert bool(batch) == bool(here)
            given_before = max(batch, default=given_before)
            here = {ticket: text for ticket, text in here.items() if ticket not in batch}
        elif isinstance(step, int):
            assert queue.discard(step) == (here.pop(step, None) is not None)
        elif (ticket := queue.put(step)) is not None:
            here[ticket] = step
        assert len(queue) == len(here) <= 8
        assert len(here) <= 1 or sum(map(len, here.values())) <= 40
