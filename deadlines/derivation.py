"""How a due time came about: day by day, what counted and what did not, each with its reason."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, Self

from .day import Day, DayKind


class Role(StrEnum):
    """What a day does in a period."""

    START = "start"
    """The day the period starts, which does not count (民法典 §201)."""
    DEEMED_START = "deemed_start"
    """The working day on which a request made on a day off is deemed made (policy `next_working_day`)."""
    AFTER_CLOSING = "after_closing"
    """A working day on which the centre had closed already, or closes that moment (policy `same_day`)."""
    SKIPPED = "skipped"
    """A day that is not worked."""
    COUNTED = "counted"
    """A working day of the period, with its number."""
    LAST = "last"
    """The working day on which a period ends that counts no days: the same day, or a named day."""


@dataclass(frozen=True, slots=True)
class DerivedDay:
    """A day of a derivation; `number` is 1 for the first day counted, and 0 for a day that does not count."""

    day: Day
    role: Role
    number: int = 0

    def to_json(self) -> dict[str, Any]:
        """The day as a JSON object; what is empty or usual is left out."""
        written: dict[str, Any] = {
            "date": self.day.date.isoformat(),
            "counts": self.role is Role.COUNTED,
            "role": self.role.value,
            "kind": self.day.kind.value,
        }
        if self.number:
            written["number"] = self.number
        for key, text in (("name", self.day.name), ("english", self.day.english), ("notice", self.day.notice)):
            if text:
                written[key] = text
        if not self.day.certain:
            written["certain"] = False
        return written

    @classmethod
    def from_json(cls, written: dict[str, Any]) -> Self:
        """The day read back from its JSON object."""
        day = Day(
            date.fromisoformat(written["date"]),
            DayKind(written["kind"]),
            written.get("name", ""),
            written.get("english", ""),
            written.get("notice", ""),
            written.get("certain", True),
        )
        return cls(day, Role(written["role"]), written.get("number", 0))
