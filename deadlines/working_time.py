"""Working time: the seconds during which a centre is open, for budgets and for shares of a limit."""

from datetime import UTC, datetime, timedelta

from .calendar import Calendar
from .hours import OpeningHours
from .zone import SHANGHAI, SHANGHAI_OFFSET, aware

_ORIGIN = datetime(1, 1, 1, tzinfo=UTC)
_SECOND = 1_000_000


def working_seconds_between(a: datetime, b: datetime, calendar: Calendar, hours: OpeningHours) -> float:
    """The working seconds from a to b, exact to the microsecond; negative when b comes before a."""
    return (_position(b, calendar, hours) - _position(a, calendar, hours)) / _SECOND


def add_working_seconds(start: datetime, seconds: float, calendar: Calendar, hours: OpeningHours) -> datetime:
    """The first instant, in UTC, at which so many working seconds have passed since the start.

    A session's end is meant rather than the next one's beginning. Nothing added gives the start itself; a negative
    number goes back. Raises OutsideCalendarError beyond the calendar.
    """
    microseconds = round(seconds * _SECOND)
    if microseconds == 0:
        return aware(start).astimezone(UTC)
    return _instant(_position(start, calendar, hours) + microseconds, calendar, hours)


def share_of_limit(start: datetime, due: datetime, share: float, calendar: Calendar, hours: OpeningHours) -> datetime:
    """The instant, in UTC, at which this share (0 to 1) of the working time between start and due is used (R27).

    Without working time between them it is the due time.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"a share lies between 0 and 1, not at {share}")
    begun = _position(start, calendar, hours)
    whole = _position(due, calendar, hours) - begun
    if whole <= 0:
        return aware(due).astimezone(UTC)
    used = round(whole * share)
    return _instant(begun + used, calendar, hours) if used else next_opening(start, calendar, hours)


def next_opening(instant: datetime, calendar: Calendar, hours: OpeningHours) -> datetime:
    """The instant itself, in UTC, while the centre is open; else when it opens next."""
    after = _instant(_position(instant, calendar, hours) + 1, calendar, hours)
    return max(after - timedelta(microseconds=1), aware(instant).astimezone(UTC))


def is_open(instant: datetime, calendar: Calendar, hours: OpeningHours) -> bool:
    """Whether the centre is open at the instant; at its closing time it is not."""
    return next_opening(instant, calendar, hours) == instant


def _position(instant: datetime, calendar: Calendar, hours: OpeningHours) -> int:
    """Working microseconds since the beginning of the calendar."""
    local = aware(instant).astimezone(SHANGHAI)
    today = local.toordinal()
    before, until = calendar.rank_before(today), calendar.rank(today)
    whole_days = before * hours.day_microseconds
    if before == until:
        return whole_days
    of_day = ((local.hour * 60 + local.minute) * 60 + local.second) * _SECOND + local.microsecond
    return whole_days + hours.microseconds_before(of_day)


def _instant(position: int, calendar: Calendar, hours: OpeningHours) -> datetime:
    """The first instant, in UTC, with so many working microseconds behind it."""
    days, rest = divmod(position - 1, hours.day_microseconds)
    ordinal = calendar.working_day(days + 1)
    return _ORIGIN + timedelta(days=ordinal - 1, microseconds=hours.moment_after(rest + 1)) - SHANGHAI_OFFSET
