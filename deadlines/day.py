"""A calendar day: whether it is worked, and who says so."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

_CHINESE_WEEKDAYS = "一二三四五六日"
_ENGLISH_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


class DayKind(StrEnum):
    """Why a day is worked or not."""

    WORKDAY = "workday"
    MAKEUP_WORKDAY = "makeup_workday"
    WEEKEND = "weekend"
    HOLIDAY = "holiday"
    FIXED_HOLIDAY = "fixed_holiday"
    CLOSED = "closed"


WORKED = frozenset({DayKind.WORKDAY, DayKind.MAKEUP_WORKDAY})


@dataclass(frozen=True, slots=True)
class Day:
    """A day, its kind, the festival (or the centre's reason) and the notice behind it, and whether it is certain."""

    date: date
    kind: DayKind
    name: str = ""
    english: str = ""
    notice: str = ""
    certain: bool = True

    @property
    def working(self) -> bool:
        return self.kind in WORKED


def chinese_weekday(day: date) -> str:
    return "周" + _CHINESE_WEEKDAYS[day.weekday()]


def english_weekday(day: date) -> str:
    return _ENGLISH_WEEKDAYS[day.weekday()]
