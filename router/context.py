"""Everything `decide` may know beside the case and the command: it reads no clock and asks nobody."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from deadlines import DEFAULT_HOURS, Calendar, OpeningHours
from router.policy import Policy
from topics.directory import Directory
from topics.events import Versions
from topics.inbound import Inbound
from topics.parts import Precedents
from topics.vocabulary import Situation


@dataclass(frozen=True, slots=True)
class WorkingTime:
    """A centre's working days and opening hours; those of the same version say the same of every moment."""

    calendar: Calendar = field(compare=False)
    hours: OpeningHours = field(compare=False)
    version: str = field(init=False)
    """The calendar's version, and a mark of the hours where they are not the usual ones: either moves due times."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "version", self.calendar.version + _mark(self.hours))


def _mark(hours: OpeningHours) -> str:
    return "" if hours == DEFAULT_HOURS else f"-{hashlib.sha256(str(hours).encode()).hexdigest()[:6]}"


MINUTE = timedelta(minutes=1)


class PrecedentKey(NamedTuple):
    """What makes two cases the same kind (R36)."""

    task_code: str
    situation: Situation
    ground_code: str


@dataclass(frozen=True, slots=True)
class Context:
    """`now` is UTC, the domain's time of deciding; `received_at` in the command is when it reached the router."""

    now: datetime
    directory: Directory
    policy: Policy
    working_time: Mapping[str, WorkingTime]
    """Each centre's calendar and opening hours."""
    precedents: Mapping[PrecedentKey, Precedents]
    router_behind: bool = False
    """Whether records received before `now` may still be unread (R29)."""

    def versions(self, centre: str) -> Versions:
        """What decides, for the journal."""
        return Versions(
            directory=self.directory.version,
            calendar=self.working_time[centre].version,
            policy=self.policy.version,
        )


@dataclass(frozen=True, slots=True)
class LimitsDue:
    """The clock's command: whatever of the case is due by `until` happens now (R24, R27)."""

    until: datetime


@dataclass(frozen=True, slots=True)
class CalendarChanged:
    """A year was loaded or amended: work the open limits out again (R26)."""


class Command(NamedTuple):
    """Something asked about one case."""

    case_id: str
    message: Inbound | LimitsDue | CalendarChanged
    received_at: datetime
    """When the broker had it (R29), UTC."""
    party: str = ""
    applicant_ref: str | None = None
