"""The opening hours of a centre: the sessions of every working day, in Shanghai time."""

import re
from dataclasses import dataclass, field
from typing import Any, Self

from pydantic_core import core_schema

_SESSION = re.compile(r"^(\d\d):(\d\d)-(\d\d):(\d\d)$")
_SECOND = 1_000_000


@dataclass(frozen=True, slots=True)
class OpeningHours:
    """Sessions of a working day as (open, close) in seconds after midnight, Asia/Shanghai, in order and apart.

    `closing` is closing time (停止业务活动的时间) in seconds after midnight; `day_microseconds` the working time of a day.
    """

    sessions: tuple[tuple[int, int], ...]
    closing: int = field(init=False, repr=False, compare=False)
    day_microseconds: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.sessions:
            raise ValueError("opening hours need at least one session")
        after = 0
        for opens, closes in self.sessions:
            if opens >= closes:
                raise ValueError(f"session {_clock(opens)}-{_clock(closes)} closes before it opens")
            if opens < after:
                raise ValueError(f"session {_clock(opens)}-{_clock(closes)} begins before the one before it ends")
            after = closes
        if after > 86_400:
            raise ValueError("a session ends at midnight at the latest")
        object.__setattr__(self, "closing", after)
        object.__setattr__(self, "day_microseconds", sum(b - a for a, b in self.sessions) * _SECOND)

    @classmethod
    def parse(cls, *sessions: str) -> Self:
        """Read sessions written as `09:00-12:00`; raises ValueError that quotes the session."""
        read = []
        for session in sessions:
            # People type either dash.
            match = _SESSION.match(session.replace("–", "-").replace(" ", ""))
            if match is None:
                raise ValueError(f"“{session}” is no session: write it as 09:00-12:00")
            opens, closes = (int(match[n]) * 3600 + int(match[n + 1]) * 60 for n in (1, 3))
            if int(match[2]) > 59 or int(match[4]) > 59:
                raise ValueError(f"“{session}” is no session: minutes end at 59")
            read.append((opens, closes))
        return cls(tuple(read))

    @property
    def day_seconds(self) -> int:
        """The working time of one working day in seconds."""
        return self.day_microseconds // _SECOND

    def microseconds_before(self, of_day: int) -> int:
        """Working microseconds between midnight and a moment of a working day, in microseconds after midnight."""
        passed = 0
        for opens, closes in self.sessions:
            if of_day <= opens * _SECOND:
                break
            passed += min(of_day, closes * _SECOND) - opens * _SECOND
        return passed

    def moment_after(self, worked: int) -> int:
        """The first moment of a working day, in microseconds after midnight, with so many working microseconds."""
        for opens, closes in self.sessions:
            length = (closes - opens) * _SECOND
            if worked <= length:
                return opens * _SECOND + worked
            worked -= length
        raise ValueError("more working time than a day has")

    def __str__(self) -> str:
        return " ".join(f"{_clock(opens)}-{_clock(closes)}" for opens, closes in self.sessions)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        """In a pydantic model the hours read from, and are written as, `09:00-12:00 13:30-17:00`."""
        read = core_schema.no_info_plain_validator_function(
            lambda value: value if isinstance(value, cls) else cls.parse(*str(value).split())
        )
        return core_schema.json_or_python_schema(
            json_schema=read, python_schema=read, serialization=core_schema.to_string_ser_schema()
        )


def _clock(seconds: int) -> str:
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}"


DEFAULT_HOURS = OpeningHours.parse("09:00-12:00", "13:30-17:00")
