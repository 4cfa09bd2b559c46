"""A centre's own file: its opening hours and the days it closes on top of the statutory ones."""

from typing import Any

from pydantic import Field, field_validator

from .hours import DEFAULT_HOURS, OpeningHours
from .notice import Days, Entry, Text


class Closing(Entry):
    """Days on which the centre is closed by its own announcement, with the reason in Chinese and, if given, English."""

    days: Days
    reason: Text
    english: str = ""


class Centre(Entry):
    """A centre's working time; a file without opening hours has the usual ones (09:00-12:00, 13:30-17:00)."""

    centre: Text
    opening_hours: OpeningHours = DEFAULT_HOURS
    closed: tuple[Closing, ...] = Field(default=())

    @field_validator("opening_hours", mode="before")
    @classmethod
    def _from_list(cls, value: Any) -> Any:
        return OpeningHours.parse(*map(str, value)) if isinstance(value, list | tuple) else value
