from midwatch_clickhouse.recent_texts import RecentTexts

A, B, C = ("t", "a"), ("t", "b"), ("t", "c")


def recent(capacity: int = 10) -> RecentTexts:
    texts = RecentTexts(capacity)
    texts.follow(0, 0.0)
    return texts


def test_what_was_added_is_known_and_the_rest_told_once() -> None:
    texts = recent()
    texts.add([A], 0)
    assert texts.unknown([A, B, C, B]) == [B, C]


def test_the_longest_unused_goes_first() -> None:
    texts = recent(capacity=2)
    texts.add([A, B], 0)
    texts.add([A, C], 0)
    assert texts.unknown([A, B, C]) == [B]


def test_a_deletion_makes_all_unknown() -> None:
    texts = recent()
    texts.add([A], 0)
    texts.follow(1, 1.0)
    assert texts.unknown([A]) == [A]
    texts.add([A], 0)  # sent before the deletion began
    assert texts.unknown([A]) == [A]


def test_half_a_day_makes_all_unknown() -> None:
    texts = recent()
    texts.add([A], 0)
    texts.follow(0, 12 * 3600.0)
    assert texts.unknown([A]) == []
    texts.follow(0, 12 * 3600.0 + 1)
    assert texts.unknown([A]) == [A]
