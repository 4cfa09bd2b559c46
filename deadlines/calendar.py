"""The working calendar: which days are worked in China, by which notice, and at one centre."""

import hashlib
import json
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from itertools import accumulate, compress
from typing import Any

from pydantic_core import core_schema

from .centre import Closing
from .day import Day, DayKind
from .errors import OutsideCalendarError
from .notice import Festival, Notice, Year

FIRST_DAY = date(2000, 1, 1)
LAST_DAY = date(2099, 12, 31)
_BASE = FIRST_DAY.toordinal()
_SIZE = LAST_DAY.toordinal() - _BASE + 1
# 1 January 2000 was a Saturday.
_WEEKS = (bytes([0, 0, 1, 1, 1, 1, 1]) * (_SIZE // 7 + 1))[:_SIZE]


@dataclass(frozen=True, slots=True)
class Calendar:
    """Working days of the years 2000 to 2099, from the years' notices and one centre's own closings.

    A year without a notice has weekends and the holidays on fixed dates, and its days are not certain (R26).
    Two calendars with the same `version` say the same of every day.
    """

    years: tuple[Year, ...] = ()
    closings: tuple[Closing, ...] = ()
    version: str = field(init=False, compare=False)
    certain_until: date = field(init=False, compare=False)
    _named: dict[int, tuple[bool, Notice, Festival]] = field(init=False, repr=False, compare=False)
    _closed: dict[int, Closing] = field(init=False, repr=False, compare=False)
    _rank: tuple[int, ...] = field(init=False, repr=False, compare=False)
    _working: tuple[int, ...] = field(init=False, repr=False, compare=False)
    _guessed: tuple[int, ...] = field(init=False, repr=False, compare=False)
    _statutory: "Calendar | None" = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        years = tuple(sorted(self.years, key=lambda year: year.year))
        announced = [year.year for year in years]
        if len(set(announced)) < len(announced):
            raise ValueError("a year is loaded twice")
        named: dict[int, tuple[bool, Notice, Festival]] = {}
        # A later notice wins: that of 2019 arranged the last three days of 2018.
        for notice, festival in sorted((f for year in years for f in year.in_force()), key=lambda f: f[0].date):
            named.update((day.toordinal(), (False, notice, festival)) for day in festival.rest)
            named.update((day.toordinal(), (True, notice, festival)) for day in festival.work)
        closed = {day.toordinal(): closing for closing in self.closings for day in closing.days}
        flags = bytearray(_WEEKS)
        for year in range(FIRST_DAY.year, LAST_DAY.year + 1):
            if year not in announced:
                for day in fixed_holidays(year):
                    flags[day.toordinal() - _BASE] = 0
        for ordinal, (works, _, _) in named.items():
            flags[ordinal - _BASE] = works
        for ordinal in closed:
            flags[_index(ordinal)] = 0
        self._set(
            years=years,
            version=_version(years, self.closings),
            certain_until=_certain_until(announced),
            _named=named,
            _closed=closed,
            _rank=tuple(accumulate(flags, initial=0)),
            _working=tuple(compress(range(_BASE, _BASE + _SIZE), flags)),
            _guessed=_guessed_days(announced),
            _statutory=Calendar(years) if self.closings else None,
        )

    def _set(self, **values: Any) -> None:
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def with_year(self, year: Year) -> "Calendar":
        """This calendar with a year loaded, or replaced by its amended entry."""
        return replace(self, years=(*(known for known in self.years if known.year != year.year), year))

    def with_closings(self, *closings: Closing) -> "Calendar":
        """This calendar with a centre's own closings instead of those it had."""
        return replace(self, closings=closings)

    def statutory(self) -> "Calendar":
        """This calendar without a centre's own closings: they cannot lengthen a period that the law sets."""
        return self._statutory or self

    def is_working(self, day: date) -> bool:
        """Whether the day is worked."""
        ordinal = day.toordinal()
        return self.rank(ordinal) > self.rank_before(ordinal)

    def is_certain(self, day: date) -> bool:
        """Whether the year of the day has been announced."""
        return not self.guesses(day.toordinal(), day.toordinal())

    def certain_days_left(self, today: date) -> int:
        """How many days after today are still certain, 0 when there are none (R26's metric and alert)."""
        return max(0, (self.certain_until - today).days)

    def day(self, day: date) -> Day:
        """The day with its kind, and the notice or closing that makes it so."""
        ordinal = day.toordinal()
        certain = self.is_certain(day)
        working = self.is_working(day)
        named = self._named.get(ordinal)
        if named is not None and not (named[0] and not working):
            kind = DayKind.MAKEUP_WORKDAY if named[0] else DayKind.HOLIDAY
            return Day(day, kind, named[2].name, named[2].english, named[1].number, certain)
        if not certain and (holiday := fixed_holidays(day.year).get(day)):
            return Day(day, DayKind.FIXED_HOLIDAY, *holiday, certain=certain)
        if day.weekday() > 4 and named is None:
            return Day(day, DayKind.WEEKEND, certain=certain)
        if not working:
            closing = self._closed[ordinal]
            return Day(day, DayKind.CLOSED, closing.reason, closing.english, certain=certain)
        return Day(day, DayKind.WORKDAY, certain=certain)

    def days(self, first: date, last: date) -> Iterator[Day]:
        """The days from the first to the last, both included."""
        return (self.day(first + timedelta(days=n)) for n in range((last - first).days + 1))

    def rank(self, ordinal: int) -> int:
        """How many working days there are up to and with the day of this ordinal, since the first of the calendar."""
        return self._rank[_index(ordinal) + 1]

    def rank_before(self, ordinal: int) -> int:
        """How many working days there are before the day of this ordinal, since the first of the calendar."""
        return self._rank[_index(ordinal)]

    def working_day(self, rank: int) -> int:
        """The ordinal of the working day with this rank (1 is the first of the calendar)."""
        if not 1 <= rank <= len(self._working):
            raise OutsideCalendarError("the period reaches beyond the calendar (2000 to 2099)")
        return self._working[rank - 1]

    def guesses(self, first: int, last: int) -> bool:
        """Whether a day of an unannounced year lies between these ordinals, both included."""
        # _guessed holds the bounds of the unannounced stretches: an odd position lies within one.
        at = bisect_right(self._guessed, first)
        return at % 2 == 1 or (at < len(self._guessed) and self._guessed[at] <= last)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        """In a pydantic model a calendar is taken as it is."""
        return core_schema.is_instance_schema(cls)


def _index(ordinal: int) -> int:
    index = ordinal - _BASE
    if not 0 <= index < _SIZE:
        raise OutsideCalendarError(f"{date.fromordinal(ordinal)} lies outside the calendar (2000 to 2099)")
    return index


def fixed_holidays(year: int) -> dict[date, tuple[str, str]]:
    """The statutory holidays on fixed dates (全国年节及纪念日放假办法), by Chinese and English name.

    2 May is one since the revision in force from 2025 (国务院令第795号). Festivals of the moon and Qingming have no
    fixed date and are not guessed.
    """
    new_year, labour, national = (
        ("元旦", "New Year's Day"),
        ("劳动节", "Labour Day"),
        ("国庆节", "National Day"),
    )
    days = {date(year, 1, 1): new_year, date(year, 5, 1): labour}
    if year >= 2025:
        days[date(year, 5, 2)] = labour
    return days | {date(year, 10, n): national for n in (1, 2, 3)}


def _certain_until(announced: list[int]) -> date:
    """The end of the longest stretch of announced years: a year loaded ahead of a gap is not reached by it."""
    longest, length = FIRST_DAY.year - 1, 0
    run = 0
    for year in range(FIRST_DAY.year, LAST_DAY.year + 1):
        run = run + 1 if year in announced else 0
        if run and run >= length:
            longest, length = year, run
    return date(longest, 12, 31)


def _guessed_days(announced: list[int]) -> tuple[int, ...]:
    """The unannounced stretches as ordinals: first day, day after the last, first day, and so on."""
    bounds: list[int] = []
    within = False
    for year in range(FIRST_DAY.year, LAST_DAY.year + 1):
        if (year not in announced) is not within:
            bounds.append(date(year, 1, 1).toordinal())
            within = not within
    return (*bounds, LAST_DAY.toordinal() + 1) if within else tuple(bounds)


def _version(years: tuple[Year, ...], closings: tuple[Closing, ...]) -> str:
    """The last year announced and a hash of all that the calendar was made from, e.g. `2026-5b1c0a9f3d2e`."""
    content = [[year.model_dump(mode="json") for year in years], [c.model_dump(mode="json") for c in closings]]
    written = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    last = years[-1].year if years else "none"
    return f"{last}-{hashlib.sha256(written.encode()).hexdigest()[:12]}"
