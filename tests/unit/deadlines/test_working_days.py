"""Periods of working days: what starts them, what ends them, and which calendar they follow."""

from datetime import UTC, date, datetime

import pytest

from deadlines import (
    Calendar,
    Closing,
    OpeningHours,
    Role,
    end_of_statutory_days,
    named_day_close,
    same_day_close,
    working_days_due,
)

from .moments import at


def closed(calendar: Calendar, *days: str) -> Calendar:
    return calendar.with_closings(*(Closing.model_validate({"days": day, "reason": "停电检修"}) for day in days))


@pytest.mark.rule("R25")
@pytest.mark.parametrize("hour", ["00:00", "08:59", "09:00", "12:30", "16:59", "17:00", "17:30", "23:59"])
def test_the_hour_of_the_start_changes_nothing(hour: str, calendar: Calendar, hours: OpeningHours) -> None:
    """The start day does not count, whatever the hour."""
    due = working_days_due(at(f"2026-11-23T{hour}"), 1, calendar, hours)

    assert at("2026-11-24T17:00") == due.due


@pytest.mark.rule("R25")
def test_the_day_is_shanghai_s(calendar: Calendar, hours: OpeningHours) -> None:
    """An instant given in UTC starts on the day it is in Shanghai, and the due time is given in UTC."""
    due = working_days_due(datetime(2026, 11, 23, 16, 30, tzinfo=UTC), 1, calendar, hours)

    assert datetime(2026, 11, 25, 9, 0, tzinfo=UTC).isoformat() == due.due.isoformat()
    assert date(2026, 11, 25) == due.due_day


@pytest.mark.rule("R25")
def test_a_period_ends_at_the_centre_s_closing_time(calendar: Calendar) -> None:
    """Closing time is the centre's own, midnight included."""
    summer = OpeningHours.parse("08:30-12:00", "15:00-18:00")
    night = OpeningHours.parse("13:00-24:00")

    assert at("2026-11-24T18:00") == working_days_due(at("2026-11-23T10:00"), 1, calendar, summer).due
    assert at("2026-11-25T00:00") == working_days_due(at("2026-11-23T10:00"), 1, calendar, night).due
    assert date(2026, 11, 24) == working_days_due(at("2026-11-23T10:00"), 1, calendar, night).due_day
    assert at("2026-11-24T00:00") == same_day_close(at("2026-11-23T23:00"), calendar, night).due


@pytest.mark.rule("R25")
def test_a_centre_s_closing_lengthens_its_own_limit(calendar: Calendar, hours: OpeningHours) -> None:
    """A day on which the centre is closed does not count towards its own limits."""
    due = working_days_due(at("2026-11-23T10:00"), 1, closed(calendar, "2026-11-24"), hours)

    assert at("2026-11-25T17:00") == due.due


@pytest.mark.rule("R28")
def test_a_centre_s_closing_does_not_lengthen_a_statutory_period(calendar: Calendar, hours: OpeningHours) -> None:
    """The law's five working days for the one-time notice run on while the centre is closed."""
    own = closed(calendar, "2026-11-24/2026-11-27")
    due = end_of_statutory_days(at("2026-11-23T10:00"), 5, own, hours)

    counted = [0, 1, 2, 3, 4, 0, 0, 5]

    assert at("2026-11-30T17:00") == due.due
    assert own.version == due.calendar_version
    assert counted == [derived.number for derived in due.derivation]


@pytest.mark.rule("R26")
@pytest.mark.parametrize(
    ("start", "days", "due", "provisional"),
    [
        ("2026-12-30T10:00", 1, "2026-12-31", False),
        ("2026-12-30T10:00", 2, "2027-01-04", True),
        ("2026-12-31T10:00", 1, "2027-01-04", True),
        ("2027-02-05T10:00", 1, "2027-02-08", True),
        ("2027-09-30T10:00", 1, "2027-10-04", True),
        ("2015-12-31T10:00", 1, "2016-01-04", False),
    ],
)
def test_a_period_that_reaches_an_unannounced_year_is_provisional(
    start: str, days: int, due: str, provisional: bool, calendar: Calendar, hours: OpeningHours
) -> None:
    """What reaches 2027 is worked out on weekends and fixed dates, and says that it is provisional.

    A start day in an unannounced year does not count, so it makes nothing provisional.
    """
    got = working_days_due(at(start), days, calendar, hours)

    assert (at(f"{due}T17:00"), provisional) == (got.due, got.provisional)


@pytest.mark.rule("R26")
def test_a_deemed_start_in_an_unannounced_year_is_provisional(calendar: Calendar, hours: OpeningHours) -> None:
    """Where the start itself depends on an unannounced day, the result does too."""
    due = working_days_due(at("2027-05-01T10:00"), 1, calendar, hours, counting="next_working_day")

    assert (at("2027-05-04T17:00"), True) == (due.due, due.provisional)


@pytest.mark.rule("R20")
@pytest.mark.parametrize(
    ("start", "due"),
    [
        ("2026-11-23T07:00", "2026-11-23"),
        ("2026-11-23T12:30", "2026-11-23"),
        ("2026-11-23T16:59:59", "2026-11-23"),
        ("2026-11-23T17:00", "2026-11-24"),
        ("2026-11-20T17:30", "2026-11-23"),
        ("2026-11-21T10:00", "2026-11-23"),
        ("2026-09-18T18:00", "2026-09-20"),
        ("2026-10-01T10:00", "2026-10-08"),
    ],
)
def test_the_same_day_is_the_next_working_day_outside_of_one(
    start: str, due: str, calendar: Calendar, hours: OpeningHours
) -> None:
    """What needs no study is answered by closing time of the day asked, or of the next working day."""
    assert at(f"{due}T17:00") == same_day_close(at(start), calendar, hours).due


@pytest.mark.rule("R22")
@pytest.mark.parametrize(
    ("named", "due", "provisional"),
    [
        ("2026-11-27", "2026-11-27", False),
        ("2026-11-28", "2026-11-30", False),
        ("2026-10-04", "2026-10-08", False),
        ("2026-10-10", "2026-10-10", False),
        ("2027-01-02", "2027-01-04", True),
    ],
)
def test_a_named_day_that_is_off_ends_on_the_next_working_day(
    named: str, due: str, provisional: bool, calendar: Calendar, hours: OpeningHours
) -> None:
    """A promised date ends at closing time, on the next working day if it is a day off (民法典 §203)."""
    got = named_day_close(date.fromisoformat(named), calendar, hours)

    assert (at(f"{due}T17:00"), provisional) == (got.due, got.provisional)


@pytest.mark.rule("R25")
def test_what_each_day_does_in_a_period(calendar: Calendar, hours: OpeningHours) -> None:
    """Each reckoning says of every day what it does there."""
    due = working_days_due(at("2026-09-19T10:00"), 1, calendar, hours, counting="next_working_day")
    evening = same_day_close(at("2026-11-20T17:30"), calendar, hours)
    promise = named_day_close(date(2026, 11, 28), calendar, hours)

    for period, expected in (
        (due, [Role.SKIPPED, Role.DEEMED_START, Role.COUNTED]),
        (evening, [Role.AFTER_CLOSING, Role.SKIPPED, Role.SKIPPED, Role.LAST]),
        (promise, [Role.SKIPPED, Role.SKIPPED, Role.LAST]),
    ):
        assert expected == [derived.role for derived in period.derivation]


@pytest.mark.parametrize("days", [0, -1])
def test_a_period_has_at_least_one_day(days: int, calendar: Calendar, hours: OpeningHours) -> None:
    """Less than one working day is no period."""
    with pytest.raises(ValueError, match="at least 1 working day"):
        working_days_due(at("2026-11-23T10:00"), days, calendar, hours)
    with pytest.raises(ValueError, match="at least 1 working day"):
        end_of_statutory_days(at("2026-11-23T10:00"), days, calendar, hours)


def test_a_start_names_its_zone(calendar: Calendar, hours: OpeningHours) -> None:
    """A time without a zone is refused rather than guessed."""
    with pytest.raises(ValueError, match="no time zone"):
        working_days_due(datetime(2026, 11, 23, 10, 0), 1, calendar, hours)  # noqa: DTZ001 - that is the point
