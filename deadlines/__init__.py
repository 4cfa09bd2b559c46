"""Working calendar, time limits and their explanations (R20 to R29); pure: the time and the calendar come in."""

from .calendar import Calendar
from .centre import Centre, Closing
from .day import Day, DayKind
from .derivation import DerivedDay, Role
from .due import Counting, DueTime, Reckoning
from .errors import CalendarFileError, OutsideCalendarError
from .explanation import (
    explain_in_chinese,
    explain_in_english,
    kind_in_chinese,
    kind_in_english,
    reason_in_chinese,
    reason_in_english,
)
from .hours import DEFAULT_HOURS, OpeningHours
from .loader import read_centre, read_file, read_year, shipped_calendar
from .notice import Festival, Notice, Year
from .working_days import end_of_statutory_days, named_day_close, same_day_close, working_days_due
from .working_time import add_working_seconds, is_open, next_opening, share_of_limit, working_seconds_between
from .zone import SHANGHAI, shanghai, utc

__all__ = [
    "DEFAULT_HOURS",
    "SHANGHAI",
    "Calendar",
    "CalendarFileError",
    "Centre",
    "Closing",
    "Counting",
    "Day",
    "DayKind",
    "DerivedDay",
    "DueTime",
    "Festival",
    "Notice",
    "OpeningHours",
    "OutsideCalendarError",
    "Reckoning",
    "Role",
    "Year",
    "add_working_seconds",
    "end_of_statutory_days",
    "explain_in_chinese",
    "explain_in_english",
    "is_open",
    "kind_in_chinese",
    "kind_in_english",
    "named_day_close",
    "next_opening",
    "read_centre",
    "read_file",
    "read_year",
    "reason_in_chinese",
    "reason_in_english",
    "same_day_close",
    "shanghai",
    "share_of_limit",
    "shipped_calendar",
    "utc",
    "working_days_due",
    "working_seconds_between",
]
