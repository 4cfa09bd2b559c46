"""A due time: when a period ends, whether that is certain, and how it came about."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal, Self, assert_never

from pydantic_core import core_schema

from .calendar import Calendar
from .day import Day
from .derivation import DerivedDay, Role
from .hours import OpeningHours
from .zone import SHANGHAI, SHANGHAI_OFFSET, aware, shanghai, utc

Counting = Literal["next_calendar_day", "next_working_day"]
Reckoning = Literal["next_calendar_day", "next_working_day", "same_day", "named_day"]

_ORIGIN = datetime(2000, 1, 1, tzinfo=UTC) - SHANGHAI_OFFSET
_ORIGIN_ORDINAL = date(2000, 1, 1).toordinal()


@dataclass(frozen=True, slots=True)
class DueTime:
    """When a period ends (R25), with all that is needed to explain it and to work it out again (R26).

    `start` and `due` are in UTC; `due_in_shanghai` is for people. `days` is the number of working days, 0 where none
    are counted. `statutory` says that a centre's own closings do not lengthen the period. `provisional` says that it
    reaches a year whose holidays are not announced.
    """

    rule: str
    start: datetime
    days: int
    reckoning: Reckoning
    due: datetime
    provisional: bool
    calendar_version: str
    hours: OpeningHours
    statutory: bool = False
    # What the derivation is read from: the calendar, or the days as a record kept them.
    basis: Calendar | tuple[DerivedDay, ...] = field(default=(), repr=False, compare=False)

    @classmethod
    def reckon(
        cls,
        start: datetime,
        days: int,
        calendar: Calendar,
        hours: OpeningHours,
        reckoning: Reckoning,
        rule: str,
        statutory: bool = False,
    ) -> Self:
        """Work a due time out by any of the reckonings; `working_days` has a function for each."""
        local = aware(start).astimezone(SHANGHAI)
        worked = calendar.statutory() if statutory else calendar
        first = local.toordinal()
        rank, before = worked.rank(first), worked.rank_before(first)
        match reckoning:
            case "next_calendar_day":
                first += 1
                rank += days
            case "next_working_day":
                # On a day off `rank` is that of the working day before it: the next one is where the period starts.
                rank += days if rank > before else days + 1
            case "same_day":
                second = (local.hour * 60 + local.minute) * 60 + local.second
                rank += not (rank > before and second < hours.closing)
            case "named_day":
                rank = before + 1
            case _:
                assert_never(reckoning)
        last = worked.working_day(rank)
        return cls(
            rule=rule,
            start=local.astimezone(UTC),
            days=days,
            reckoning=reckoning,
            due=_ORIGIN + timedelta(days=last - _ORIGIN_ORDINAL, seconds=hours.closing),
            provisional=worked.guesses(first, last),
            calendar_version=calendar.version,
            hours=hours,
            statutory=statutory,
            basis=calendar,
        )

    @property
    def due_in_shanghai(self) -> datetime:
        return shanghai(self.due)

    @property
    def start_in_shanghai(self) -> datetime:
        return shanghai(self.start)

    @property
    def due_day(self) -> date:
        """The last day of the period, as a calendar in Shanghai shows it."""
        # A centre open until midnight ends its day at 0:00 of the next.
        return shanghai(self.due - timedelta(microseconds=1)).date()

    @property
    def derivation(self) -> tuple[DerivedDay, ...]:
        """The days from the start to the due time, each with what it does there; worked out when asked for."""
        if isinstance(self.basis, tuple):
            return self.basis
        calendar = self.basis.statutory() if self.statutory else self.basis
        first, last = self.start_in_shanghai, self.due_day
        match self.reckoning:
            case "next_calendar_day":
                return tuple(_counted(calendar, first.date(), last, begun=True))
            case "next_working_day":
                return tuple(_counted(calendar, first.date(), last, begun=calendar.is_working(first.date())))
            case "same_day" | "named_day":
                return tuple(_uncounted(calendar, first.date(), last))

    def recompute(self, calendar: Calendar, hours: OpeningHours | None = None) -> "DueTime":
        """This due time under another calendar: itself when nothing about it changes, else the new one."""
        hours = hours or self.hours
        if calendar.version == self.calendar_version and hours == self.hours:
            return self
        again = self.reckon(self.start, self.days, calendar, hours, self.reckoning, self.rule, self.statutory)
        return self if (again.due, again.provisional) == (self.due, self.provisional) else again

    def moved_from(self, earlier: "DueTime") -> bool:
        """Whether the due time is another instant than the earlier one was."""
        return self.due != earlier.due

    def to_json(self) -> dict[str, Any]:
        """The due time as a JSON object, in Shanghai time, with its derivation."""
        written: dict[str, Any] = {
            "rule": self.rule,
            "start": self.start_in_shanghai.isoformat(),
            "workingDays": self.days,
            "reckoning": self.reckoning,
            "due": self.due_in_shanghai.isoformat(),
            "provisional": self.provisional,
            "calendarVersion": self.calendar_version,
            "openingHours": str(self.hours),
        }
        if self.statutory:
            written["statutory"] = True
        return written | {"days": [day.to_json() for day in self.derivation]}

    @classmethod
    def from_json(cls, written: dict[str, Any]) -> Self:
        """The due time read back from its JSON object, derivation included; raises ValueError for another object."""
        try:
            return cls(
                rule=written["rule"],
                start=utc(datetime.fromisoformat(written["start"])),
                days=written["workingDays"],
                reckoning=written["reckoning"],
                due=utc(datetime.fromisoformat(written["due"])),
                provisional=written["provisional"],
                calendar_version=written["calendarVersion"],
                hours=OpeningHours.parse(*written["openingHours"].split()),
                statutory=written.get("statutory", False),
                basis=tuple(DerivedDay.from_json(day) for day in written["days"]),
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"not a due time: {error!r}") from error

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        """In a pydantic model a due time reads from, and is written as, its JSON object."""
        read = core_schema.no_info_plain_validator_function(
            lambda value: value if isinstance(value, cls) else cls.from_json(value)
        )
        return core_schema.json_or_python_schema(
            json_schema=read,
            python_schema=read,
            serialization=core_schema.plain_serializer_function_ser_schema(cls.to_json),
        )


def _counted(calendar: Calendar, first: date, last: date, *, begun: bool) -> list[DerivedDay]:
    """The days of a period of working days; one not `begun` on its first day begins on the next working day."""
    derived, number = [], 0
    for day in calendar.days(first, last):
        if day.date == first and begun:
            derived.append(DerivedDay(day, Role.START))
        elif not day.working:
            derived.append(DerivedDay(day, Role.SKIPPED))
        elif not begun:
            derived.append(DerivedDay(day, Role.DEEMED_START))
            begun = True
        else:
            number += 1
            derived.append(DerivedDay(day, Role.COUNTED, number))
    return derived


def _uncounted(calendar: Calendar, first: date, last: date) -> list[DerivedDay]:
    def role(day: Day) -> Role:
        if day.date == last:
            return Role.LAST
        return Role.AFTER_CLOSING if day.working else Role.SKIPPED

    return [DerivedDay(day, role(day)) for day in calendar.days(first, last)]
