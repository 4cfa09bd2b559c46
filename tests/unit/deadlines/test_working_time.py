"""Working time: what budgets and shares of a limit are measured in."""

from datetime import UTC

import pytest

from deadlines import (
    Calendar,
    OpeningHours,
    add_working_seconds,
    is_open,
    next_opening,
    share_of_limit,
    working_days_due,
    working_seconds_between,
)

from .moments import at

HOUR = 3600


@pytest.mark.rule("R25")
@pytest.mark.parametrize(
    ("a", "b", "worked"),
    [
        ("2026-11-23T09:00", "2026-11-23T17:00", 6.5),
        ("2026-11-23T08:00", "2026-11-23T20:00", 6.5),
        ("2026-11-23T11:30", "2026-11-23T14:00", 1.0),
        ("2026-11-23T12:00", "2026-11-23T13:30", 0.0),
        ("2026-11-20T16:50", "2026-11-23T09:10", 1 / 3),
        ("2026-11-21T00:00", "2026-11-22T23:59", 0.0),
        ("2026-09-30T16:00", "2026-10-08T10:00", 2.0),
        ("2026-10-09T09:00", "2026-10-11T09:00", 13.0),
        ("2026-11-23T10:00", "2026-11-23T09:30", -0.5),
    ],
)
def test_only_opening_hours_are_working_time(
    a: str, b: str, worked: float, calendar: Calendar, hours: OpeningHours
) -> None:
    """Lunch, nights, weekends and holidays pass without working time; a make-up Saturday has it."""
    assert pytest.approx(worked * HOUR) == working_seconds_between(at(a), at(b), calendar, hours)


@pytest.mark.rule("R24")
@pytest.mark.parametrize(
    ("start", "budget", "end"),
    [
        ("2026-11-23T10:00", 1, "2026-11-23T11:00"),
        ("2026-11-23T11:00", 1, "2026-11-23T12:00"),
        ("2026-11-23T11:00", 1.5, "2026-11-23T14:00"),
        ("2026-11-23T12:30", 1, "2026-11-23T14:30"),
        ("2026-11-20T16:00", 1, "2026-11-20T17:00"),
        ("2026-11-20T16:00", 2, "2026-11-23T10:00"),
        ("2026-11-20T17:30", 6.5, "2026-11-23T17:00"),
        ("2026-09-30T16:50", 1, "2026-10-08T09:50"),
        ("2026-10-09T16:00", 2, "2026-10-10T10:00"),
        ("2026-11-23T03:00", 0, "2026-11-23T03:00"),
        ("2026-11-24T10:00", -2, "2026-11-23T16:00"),
    ],
)
def test_a_budget_counts_opening_hours_only(
    start: str, budget: float, end: str, calendar: Calendar, hours: OpeningHours
) -> None:
    """A tier's budget ends when its working hours are used; one that ends with a session ends at its end."""
    assert at(end) == add_working_seconds(at(start), budget * HOUR, calendar, hours)


@pytest.mark.rule("R27")
@pytest.mark.parametrize(
    ("start", "days", "share", "yellow"),
    [
        # 10 minutes of Wednesday and 6 h 30 of Thursday are 6 h 40; three quarters of it are 5 h.
        ("2026-11-25T16:50", 1, 0.75, "2026-11-26T15:20"),
        # Asked on Saturday: 6 h 30 of Monday; three quarters are 4 h 52 min 30 s.
        ("2026-11-21T10:00", 1, 0.75, "2026-11-23T15:22:30"),
        ("2026-11-21T10:00", 1, 0, "2026-11-23T09:00"),
        ("2026-11-21T10:00", 1, 1, "2026-11-23T17:00"),
        # The same over the National Day week.
        ("2026-09-30T16:50", 1, 0.75, "2026-10-08T15:20"),
    ],
)
def test_a_yellow_card_comes_at_a_share_of_the_working_time(
    start: str, days: int, share: float, yellow: str, calendar: Calendar, hours: OpeningHours
) -> None:
    """The share is one of working time, from when working time within the limit starts."""
    due = working_days_due(at(start), days, calendar, hours)

    assert at(yellow) == share_of_limit(due.start, due.due, share, calendar, hours)


@pytest.mark.rule("R27")
def test_a_limit_without_working_time_has_its_share_at_its_end(calendar: Calendar, hours: OpeningHours) -> None:
    """Where nothing is worked between start and due, there is nothing to warn of before the due time."""
    start, due = at("2026-11-21T10:00"), at("2026-11-22T10:00")

    assert due == share_of_limit(start, due, 0.75, calendar, hours)


@pytest.mark.parametrize("share", [-0.1, 1.1])
def test_a_share_lies_between_nothing_and_all(share: float, calendar: Calendar, hours: OpeningHours) -> None:
    """A share outside 0 to 1 is refused."""
    with pytest.raises(ValueError, match="between 0 and 1"):
        share_of_limit(at("2026-11-23T10:00"), at("2026-11-24T10:00"), share, calendar, hours)


@pytest.mark.parametrize(
    ("instant", "opening"),
    [
        ("2026-11-23T10:00", "2026-11-23T10:00"),
        ("2026-11-23T09:00", "2026-11-23T09:00"),
        ("2026-11-23T12:00", "2026-11-23T13:30"),
        ("2026-11-23T17:00", "2026-11-24T09:00"),
        ("2026-09-30T17:00", "2026-10-08T09:00"),
        ("2026-10-03T10:00", "2026-10-08T09:00"),
    ],
)
def test_the_next_opening_is_now_while_the_centre_is_open(
    instant: str, opening: str, calendar: Calendar, hours: OpeningHours
) -> None:
    """At its closing time a centre is closed; the next opening passes over days off."""
    assert at(opening) == next_opening(at(instant), calendar, hours)
    assert (instant == opening) == is_open(at(instant), calendar, hours)


def test_instants_come_back_in_utc(calendar: Calendar, hours: OpeningHours) -> None:
    """Whatever zone a question is put in, the answer is in UTC."""
    start = at("2026-11-23T10:00")

    assert {UTC} == {
        add_working_seconds(start, 0, calendar, hours).tzinfo,
        add_working_seconds(start, 1, calendar, hours).tzinfo,
        next_opening(start, calendar, hours).tzinfo,
        share_of_limit(start, start, 0.5, calendar, hours).tzinfo,
    }
