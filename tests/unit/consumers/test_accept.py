"""The one rule that makes the desk exact: a lane takes only its next offset, and each inbound record only once."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.delivered import Delivered, Unreadable, read_record
from consumers.lanes import Sources
from consumers.ledger import _without_replays, accept
from consumers.sealing import KeyRing
from topics.command import ORIGIN_HEADER, CommandRecord
from topics.parts import Source
from topics.upcasting import NewerForm

START = datetime(2026, 11, 23, 1, tzinfo=UTC)


def command(offset: int, source: int, seconds: float = 0.0) -> Delivered:
    """A record of case.commands that was read at an offset of an inbound topic."""
    at = START + timedelta(seconds=seconds)
    place = Source(topic="window.refusals.windows", partition=0, offset=source, broker_time=at)
    return Delivered(offset, CommandRecord(kind="said", source=place, party="windows"), b"{}")


def offsets(records: Sequence[Delivered | Unreadable]) -> list[int]:
    return [record.offset for record in records]


def sources(records: Sequence[Delivered | Unreadable]) -> list[int]:
    return [record.record.source.offset for record in records]


def test_next_offset_is_taken() -> None:
    """What follows without a hole."""
    accepted, next_offset, gap = accept(5, [command(5, 0), command(6, 1)])

    assert ([5, 6], 7, False) == (offsets(accepted), next_offset, gap)


def test_repeat_is_dropped() -> None:
    """What the lane already has."""
    accepted, next_offset, gap = accept(5, [command(3, 0), command(4, 1), command(5, 2)])

    assert ([5], 6, False) == (offsets(accepted), next_offset, gap)


def test_gap_is_refused() -> None:
    """What comes after a hole waits until the hole is filled."""
    accepted, next_offset, gap = accept(5, [command(5, 0), command(7, 2), command(6, 1)])

    assert ([5], 6, True) == (offsets(accepted), next_offset, gap)


@given(st.lists(st.lists(st.integers(min_value=0, max_value=12), max_size=8), max_size=40))
def test_whatever_delivery_does_each_offset_is_taken_once_in_order(deliveries: list[list[int]]) -> None:
    """Repeats, holes and any order: what was taken is 0, 1, 2 and so on."""
    taken: list[int] = []
    position = 0
    for delivery in deliveries:
        accepted, position, _ = accept(position, [command(offset, offset) for offset in delivery])
        taken += offsets(accepted)

    assert list(range(position)) == taken


def test_what_intake_forwards_again_is_dropped() -> None:
    """After a crash intake sends from its committed offset: the inbound offset says what the lane has had."""
    first, known = _without_replays({}, [command(0, 10, 1), command(1, 11, 2)])
    second, moved = _without_replays(known, [command(2, 10, 1), command(3, 11, 2), command(4, 12, 3)])

    assert [10, 11] == sources(first)
    assert [12] == sources(second)
    assert {("window.refusals.windows", 0): (13, START + timedelta(seconds=3))} == moved


def test_what_intake_forwards_again_is_dropped_within_a_batch() -> None:
    """The crash may lie inside the batch."""
    fresh, _ = _without_replays({}, [command(0, 10), command(1, 11), command(2, 10), command(3, 11), command(4, 12)])

    assert [10, 11, 12] == sources(fresh)


def test_topic_made_anew_is_no_repeat() -> None:
    """Its offsets begin again, its times do not."""
    known: Sources = {("window.refusals.windows", 0): (100, START)}
    fresh, moved = _without_replays(known, [command(0, 0, 60)])

    assert [0] == sources(fresh)
    assert 1 == moved["window.refusals.windows", 0][0]


def test_broker_whose_clock_was_set_back() -> None:
    """The latest time counts, not the last: a repeat from before the change is still known."""
    first, known = _without_replays({}, [command(0, 10, 100.5), command(1, 11, 99.9)])
    again, _ = _without_replays(known, [command(2, 10, 100.5), command(3, 11, 99.9)])

    assert [10, 11] == sources(first)
    assert [] == again


def newer(offset: int) -> Unreadable:
    """A record that a newer intake wrote."""
    keys = KeyRing((("k1", bytes(32)),))
    read = read_record("case.commands", 0, offset, 0, [(ORIGIN_HEADER, b'{"v":2}')], b"k", b"v", keys)
    assert isinstance(read, Unreadable)
    return read


def test_what_only_a_newer_version_can_read_is_not_passed() -> None:
    """What stands before it is taken; then the lane stops instead of calling it unusable."""
    records: list[Delivered | Unreadable] = [command(5, 0), newer(6), command(7, 2)]

    accepted, next_offset, gap = accept(5, records)

    assert ([5], 6, True) == (offsets(accepted), next_offset, gap)
    with pytest.raises(NewerForm, match="version 2"):
        accept(6, records[1:])
