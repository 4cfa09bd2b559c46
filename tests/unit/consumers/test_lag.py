"""How old the oldest unread thing is, against readers whose truth is known."""

import random

import pytest

from consumers.lag import MOST_MARKS, Lag


def truth(received: list[float], position: int, now: float) -> float:
    """The age of the oldest unread thing."""
    return now - received[position] if position < len(received) else 0.0


def test_a_reader_that_has_everything_is_not_behind() -> None:
    """However long ago the last thing came."""
    lag = Lag(since=0)

    assert [0, 0, 0] == [lag.seconds(5, 5, now) for now in (0, 10, 9_999)]


def test_a_reader_with_always_something_left_is_as_late_as_that_is_old() -> None:
    """A thing a second comes, each is read two seconds later: it is never level, and two seconds behind for ever."""
    lag = Lag(since=0)

    found = [lag.seconds(now - 2, now, float(now)) for now in range(3, 2000)]

    assert {2.0} == set(found[2:])


def test_a_reader_that_stands_still_falls_behind_by_the_clock() -> None:
    """From the look at which it was level the last time."""
    lag = Lag(since=0)
    lag.seconds(7, 7, 100)

    assert [10, 20, 0] == [lag.seconds(7, 8, 110), lag.seconds(7, 8, 120), lag.seconds(8, 8, 130)]


def test_an_old_backlog_is_old_to_a_new_reader() -> None:
    """What it reads first tells since when nobody had read."""
    lag = Lag(since=1000)

    assert 5 == lag.seconds(0, 10, 1005)

    lag.read(received=400)

    assert 610 == lag.seconds(1, 10, 1010)


@pytest.mark.parametrize("seed", range(40))
def test_it_is_the_age_of_the_oldest_unread_thing(seed: int) -> None:
    """Bursts, pauses and a reader that keeps up or does not: never less than the truth, and at most two looks more."""
    chance = random.Random(seed)
    received, position, lag = [0.0], 0, Lag(since=0)
    steps = chance.choice(((0, 0, 1, 1, 2, 9), (0, 0, 1)))
    for look in range(1, 4 * MOST_MARKS):
        now = float(look)
        received += sorted(now - chance.random() for _ in range(chance.choice((0, 0, 1, 5))))
        if position < len(received):
            step = chance.choice(steps)
            position = min(len(received), position + step)
            if step:
                lag.read(received[position - 1])
        found, true = lag.seconds(position, len(received), now), truth(received, position, now)

        assert true <= found <= true + max(2.0, true / 100)
        assert len(lag.marks) <= MOST_MARKS
