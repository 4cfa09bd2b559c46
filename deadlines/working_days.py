"""Periods of working days (R25): from when they count, and the closing time at which they end."""

from datetime import date, datetime, time

from .calendar import Calendar
from .due import Counting, DueTime
from .hours import OpeningHours
from .zone import SHANGHAI


def working_days_due(
    start: datetime,
    days: int,
    calendar: Calendar,
    hours: OpeningHours,
    counting: Counting = "next_calendar_day",
    rule: str = "R25",
) -> DueTime:
    """When a period of so many working days ends that starts at this instant.

    The day it starts does not count, whatever the hour and whether or not it is worked; day 1 is the first working day
    after it. With `next_working_day` a request on a day off is deemed made on the next working day, and day 1 is the
    working day after that. The period ends at closing time. Raises ValueError for a start without a time zone and for
    less than one day, OutsideCalendarError beyond 2099.
    """
    if days < 1:
        raise ValueError(f"a period has at least 1 working day, not {days}")
    return DueTime.reckon(start, days, calendar, hours, counting, rule)


def end_of_statutory_days(
    start: datetime, days: int, calendar: Calendar, hours: OpeningHours, rule: str = "R28"
) -> DueTime:
    """When a period that a law sets in working days ends: a centre's own closings do not lengthen it, nor does policy.

    行政许可法 §82 takes out statutory holidays only, and 民法典 §201 starts on the next calendar day.
    """
    if days < 1:
        raise ValueError(f"a period has at least 1 working day, not {days}")
    return DueTime.reckon(start, days, calendar, hours, "next_calendar_day", rule, statutory=True)


def same_day_close(start: datetime, calendar: Calendar, hours: OpeningHours, rule: str = "R20") -> DueTime:
    """Closing time of the day asked (policy “answered the same day”), or of the next working day.

    The next working day is meant when the day asked is not worked or the centre has closed by then.
    """
    return DueTime.reckon(start, 0, calendar, hours, "same_day", rule)


def named_day_close(day: date, calendar: Calendar, hours: OpeningHours, rule: str = "R22") -> DueTime:
    """Closing time of a promised or named day; if it is not worked, of the next working day (民法典 §203)."""
    return DueTime.reckon(datetime.combine(day, time.min, SHANGHAI), 0, calendar, hours, "named_day", rule)
