"""How fast the day is played: as fast as people answer, or in virtual time, a whole day of it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zlib import crc32

from deploy.demo.party.lines import Clock

# The sample's day, which its notices and slips are dated by: a Monday, opening time in Fuzhou.
OPENING = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
OPENING_MINUTE = 9 * 60
# Played without virtual time, all openings fall into this many seconds, and a person takes this long to answer.
OPENINGS_SECONDS = 24.0
LEAST_THINKING_SECONDS = 0.4
THINKING_SECONDS = 1.2
# Virtual time starts a little later than the router, which is then ready when the doors open.
HEAD_START = timedelta(seconds=15)


def minute_of(at: str) -> int:
    """The minute of the day of an HH:MM."""
    hours, minutes = at.split(":")
    return int(hours) * 60 + int(minutes)


@dataclass(frozen=True, slots=True)
class Pace:
    """`speed` 1: real time, the day pressed into half a minute. More: so many virtual seconds in a second, from 09:00 on."""

    speed: float
    first_minute: int = OPENING_MINUTE
    last_minute: int = 17 * 60

    @property
    def virtual(self) -> bool:
        """Whether the router's clock runs apart from the world's."""
        return self.speed > 1

    def clock(self, now: datetime) -> Clock:
        """The clock of a play that is about to start."""
        if self.virtual:
            return Clock(now + HEAD_START, OPENING, self.speed)
        return Clock(now, now, 1)

    def opening(self, at: str, round_number: int, rounds: int) -> float:
        """Real seconds from the start until a request comes; later rounds come a little after the first."""
        share = (round_number - 1) / rounds
        if self.virtual:
            return (minute_of(at) - OPENING_MINUTE + share * 10) * 60 / self.speed
        span = max(1, self.last_minute - self.first_minute)
        return (minute_of(at) - self.first_minute + share * 15) / (span + 15) * OPENINGS_SECONDS

    def thinking(self, case_id: str, number: int, minutes: int | None) -> float:
        """Real seconds that a person takes over something: always the same for the same thing."""
        chance = crc32(f"{case_id} {number}".encode()) / 2**32
        if self.virtual:
            return (minutes or 6 + 18 * chance) * 60 / self.speed
        return LEAST_THINKING_SECONDS + THINKING_SECONDS * chance

    @property
    def longest_seconds(self) -> float:
        """How long the play takes at most, if nothing is wrong: the openings, and then some."""
        if self.virtual:
            return HEAD_START.total_seconds() + 10 * 3600 / self.speed + 60
        return OPENINGS_SECONDS + 90
